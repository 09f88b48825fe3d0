"""Monitoring as operators run it: real Prometheus and Alertmanager beside a real stack."""
