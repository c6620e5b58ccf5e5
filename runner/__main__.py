"""``python -m runner``: the command line, see `runner.cli`."""

if __name__ == "__main__":
    from runner.cli import interruption

    interruption.listen()  # before the imports, which take a moment
    from runner.cli.main import main

    main()
