"""What a network is: parameters as a PRep, architectures and families of them, evaluation of many at once."""
