"""The process under test is patched as gunicorn's gevent worker is, before anything else is imported."""

from gevent import monkey

monkey.patch_all()
