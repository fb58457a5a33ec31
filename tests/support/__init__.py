"""What tests begin with: factories, servers, storage that fails."""
