"""One architecture a file: its arguments, their bounds, its channel groups. `dlbc.ml.models` lists them."""
