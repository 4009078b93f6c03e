"""From labelled vertebrae to millimetres, degrees and Hounsfield units."""
