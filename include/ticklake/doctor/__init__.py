"""What can be wrong around ticklake: the lake's rights, this machine, the feeds, the network."""
