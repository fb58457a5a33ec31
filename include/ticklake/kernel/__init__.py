"""The compiled part of ticklake: JSON lines to the values of Arrow arrays, in C."""
