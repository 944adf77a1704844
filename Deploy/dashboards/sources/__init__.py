"""What the dashboards show. Scripts/build-dashboards writes them as JSON."""
