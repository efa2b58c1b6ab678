"""An installable package that adds to convvision, and is imported only when what it adds is asked for."""
