"""Connecting this server to Oura: the flow in the browser, Oura's endpoints, and the one connection they result in."""
