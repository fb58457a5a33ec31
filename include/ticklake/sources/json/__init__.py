"""A JSON body, cut into its records as it arrives."""
