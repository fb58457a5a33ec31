"""Charts as SVG: values in, escaped markup out; nothing is read or stored."""
