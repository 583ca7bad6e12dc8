"""Matrices, as libraries do them."""

import numpy

numbers = numpy.random.default_rng(1)
matrix = numbers.standard_normal((400, 400))
product = matrix @ matrix.T
values = numpy.linalg.svd(product[:160, :160], compute_uv=False)
spectrum = numpy.fft.fft(matrix.ravel())
solved = numpy.linalg.solve(product + 400 * numpy.eye(400), matrix[0])
print(f"{product.trace():.3f} {values[0]:.3f} {abs(spectrum).sum():.1f} {solved.sum():.8f}")
