"""Infrastructure (基础设施): PostgreSQL, files and keys behind the application's needs.

Each module implements something that `application/` asks for, or gives the composition roots
(`interface/app.py`, `interface/cli.py`) the ground to stand on:

    settings.py   what an operator may set, read once
    server*.py    the program's own PostgreSQL: started, watched, stopped, recovered
"""
