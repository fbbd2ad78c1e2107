"""The client under the name that BroodLink published, so that its scripts run unchanged."""

from wardroom_client import RpcError as BroodLinkError
from wardroom_client import WardroomClient as BroodLinkClient

__all__ = ["BroodLinkClient", "BroodLinkError"]
