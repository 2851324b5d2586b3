"""An Oura of our own: OAuth, the data API and invented persona years, on a loopback port. The demo and the tests' real server.

It knows nothing of the rest of the application, and only commands and tests know it.
"""

from app.simulator.server import SimulatorServer, create_simulator

__all__ = ["SimulatorServer", "create_simulator"]
