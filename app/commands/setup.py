"""`make setup`: write `.env` (mode 0600) with fresh secrets and what a person tells about their application at Oura.

What `.env` already holds stays as it is; only what is missing, empty or a placeholder is filled in.
"""

from __future__ import annotations

import getpass
import os
import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from app.config import ROOT, Settings
from app.errors import ConfigError
from app.variables import CALLBACK_PATH, is_loopback

PORTAL = "https://developer.ouraring.com (or the older https://cloud.ouraring.com/oauth/applications)"
PLACEHOLDER = re.compile(r"(https?://)?(replace-me|your[-_])", re.IGNORECASE)
SECRETS = ("AUTH_TOKEN", "TOKEN_ENCRYPTION_KEY")
OURA = ("OURA_CLIENT_ID", "OURA_CLIENT_SECRET", "OURA_REDIRECT_URI")
WELCOME = f"""
To read your ring's data the server needs an application of your own at Oura (free, two minutes):
  1. Open {PORTAL}
     and make an application.
  2. Redirect URI: the address under which your browser will reach this server, followed by {CALLBACK_PATH}.
     On this machine alone: http://localhost:3001{CALLBACK_PATH}
     Behind ngrok:          https://YOUR-DOMAIN.ngrok-free.app{CALLBACK_PATH}
     If the portal insists on a slash at the end, write it with one here as well.
  3. Tick every scope, save, and paste what it shows here. Enter leaves a question for later.
"""


def main(path: Path = ROOT / ".env") -> int:
    try:
        print(set_up(path))
    except (KeyboardInterrupt, EOFError):
        print("\nStopped. Nothing was written.")
        return 1
    except UnicodeDecodeError:
        print(f"{path.name} is not a text file in UTF-8. Save it as UTF-8, or move it away and begin anew.", file=sys.stderr)
        return 1
    except OSError as exc:
        print(f"{path.name} cannot be read or written: {exc.strerror}. Check who owns it and its folder.", file=sys.stderr)
        return 1
    return 0


def set_up(path: Path) -> str:
    """Fill in what is open in *path*, asking only at a terminal; return what was done and what is next."""
    held = _held(path)
    fresh = {name: secrets.token_hex(32) for name in SECRETS if _is_open(held.get(name))}
    missing = [name for name in OURA if _is_open(held.get(name))]
    told: dict[str, str] = {}
    if missing and sys.stdin.isatty():
        print(WELCOME)
        told = _asked(missing, held)
    write(path, {**fresh, **told})
    still = [name for name in missing if name not in told]
    return _summary(path, sorted(fresh), still, {**held, **told})


def write(path: Path, values: dict[str, str]) -> None:
    """Put *values* into *path*: in place of the line of that name, else at the end. Other lines stay as they are."""
    lines = path.read_text(encoding="utf-8-sig").splitlines() if path.exists() else []
    for name, value in values.items():
        found = [i for i, each in enumerate(lines) if re.match(rf"\s*(export\s+)?{name}\s*=", each)]
        at = found[-1] if found else len(lines)
        lines[at : at + 1] = [_line(name, value)]
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    new.replace(path)


def _line(name: str, value: str) -> str:
    if re.fullmatch(r"[\w./:@-]*", value):
        return f"{name}={value}"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{escaped}'"


def _held(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    return {name: value or "" for name, value in dotenv_values(path, interpolate=False, encoding="utf-8-sig").items()}


def _is_open(value: str | None) -> bool:
    return not value or bool(PLACEHOLDER.match(value))


def _asked(missing: list[str], held: dict[str, str]) -> dict[str, str]:
    told = {}
    port = held.get("PORT") or "3001"
    for name in missing:
        prompt = f"{name}: "
        if name == "OURA_REDIRECT_URI":
            prompt = f"{name} [http://localhost:{port}{CALLBACK_PATH}]: "
        read = getpass.getpass if name == "OURA_CLIENT_SECRET" else input
        if value := _valid(name, prompt, read):
            told[name] = value
    if "OURA_REDIRECT_URI" in missing and "OURA_REDIRECT_URI" not in told and "OURA_CLIENT_ID" in {**held, **told}:
        told["OURA_REDIRECT_URI"] = f"http://localhost:{port}{CALLBACK_PATH}"
    return told


def _valid(name: str, prompt: str, read: Callable[[str], str]) -> str:
    """Ask until the answer is empty or one the server would accept."""
    while value := read(prompt).strip():
        if PLACEHOLDER.match(value):
            print("That is the example's text. Put your own in its place.")
            continue
        if name == "OURA_REDIRECT_URI" and value.startswith("http://") and not is_loopback(urlsplit(value).hostname):
            print("Oura takes plain http for localhost only. Use the https address.")
            continue
        try:
            Settings.load({**{each: secrets.token_hex(32) for each in SECRETS}, name: value}, None)
        except ConfigError as exc:
            print("\n".join(exc.problems))
        else:
            return value
    return ""


def _summary(path: Path, fresh: list[str], still: list[str], values: dict[str, str]) -> str:
    lines = [f"{path.name}: {'wrote fresh ' + ' and '.join(fresh) if fresh else 'its secrets are kept'}."]
    if still:
        lines += [
            f"Still to fill in: {', '.join(still)}. Make an application at {PORTAL}, then run `make setup` again or edit .env.",
            "Until then the server starts, and its page says what to register.",
        ]
    else:
        lines.append(f"Register exactly this redirect URI at Oura: {values['OURA_REDIRECT_URI']}")
        lines.append(f"To change what is there already, edit {path.name}.")
    lines.append("Next: `make doctor` checks it, `make run` starts the server.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
