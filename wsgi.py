"""The application that gunicorn serves. A start that cannot succeed says why in plain words."""

import sys

from app import create_app
from app.errors import AppError

try:
    app = create_app()
except AppError as exc:
    sys.exit(f"The server cannot start. {exc}")
