"""How people and programs reach the office: HTTP, the ``taizhang`` command.

    app.py         puts the HTTP application together       cli.py    the ``taizhang`` command
    operations.py  a route: who may, what it takes, what it answers, how OpenAPI shows it
    asking.py      reading a request                         shown.py  writing an answer
    problems.py    every answer that is not what was asked for
    access.py commands.py ledgers.py journal.py proposals.py: the routes, by what they are about

Only the composition roots (``app.py`` and ``cli*.py``) import ``infrastructure``.
"""
