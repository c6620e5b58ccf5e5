"""``python -m runner``: the command line, see `runner.cli`."""

if __name__ == "__main__":
    from runner.cli import interruption

    interruption.handle_ctrl_c()  # before the imports, which take a moment
    from runner.cli.app import main

    main()
