"""``python -m runner``, and the command ``runner``: see `runner.cli`."""


def main() -> None:
    """Run the command line."""
    from runner.cli import interruption

    interruption.handle_ctrl_c()  # before the imports, which take a moment
    from runner.cli.app import main

    main()


if __name__ == "__main__":
    main()
