"""``python -m runner``, and the command ``runner``: see `runner.cli`."""


def main() -> None:
    """Run the command line."""
    import gc

    # imports and figures make many objects that last: looking through them again takes long
    gc.set_threshold(100_000, *gc.get_threshold()[1:])
    from runner.cli import interruption

    interruption.handle_ctrl_c()  # before the imports, which take a moment
    from runner.cli.app import main

    main()


if __name__ == "__main__":
    main()
