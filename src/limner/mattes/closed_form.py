"""Closed-form matting of the pixels near an edge: slower and finer than `limner.mattes.refine`. Needs SciPy.

In every window of 3 x 3 pixels alpha is taken to be an affine function of colour. The alphas that fit all
windows best, the pixels away from the edge held at 0 or 1, solve one sparse system of linear equations.

Reference:
    Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural Image Matting", PAMI 2008.
"""

import numpy as np
from numpy.typing import NDArray

from limner.errors import MissingExtraError
from limner.images import Alpha, Image, Mask
from limner.mattes.masks import dilate, edge_band

EPSILON = 1e-5
"""Regularisation of each window, colours in [0, 1], as the authors take it."""
STEPS = 200
"""Of conjugate gradients, at most."""
TOLERANCE = 1e-4
"""Residual, as a part of the right side, at which they end."""


def solve(image: Image, alpha: Alpha, *, width: int, prior: float = 0.01) -> Alpha:
    """The alpha solved within ``width`` pixels of where it crosses 0.5; 0 or 1 elsewhere.

    An alpha without an edge is returned as it is. The ``prior`` is how strongly the solution is drawn to it.

    Raises:
        MissingExtraError: If SciPy is not installed.
    """
    try:
        from scipy import sparse
        from scipy.sparse.linalg import LinearOperator, cg
    except ImportError as error:
        raise MissingExtraError("fine", "scipy") from error
    subject = alpha >= 0.5
    unknown = edge_band(subject, width)
    if not unknown.any():
        return alpha
    count = int(np.count_nonzero(unknown))
    numbers = np.full(alpha.shape, -1)
    numbers[unknown] = np.arange(count)
    around = _windows(unknown)
    windows = _laplacians(np.stack([image[place] for place in around], axis=1))
    index = np.stack([numbers[place] for place in around], axis=1)
    free = index >= 0
    known = np.where(free, 0, np.stack([subject[place] for place in around], axis=1)).astype(np.float32)
    pull = -(windows @ known[..., None])[..., 0]
    pairs = free[:, :, None] & free[:, None, :]
    rows, columns = (
        np.broadcast_to(part, windows.shape)[pairs] for part in (index[:, :, None], index[:, None])
    )
    matrix = sparse.coo_matrix((windows[pairs], (rows, columns)), (count, count)).tocsr()
    matrix.setdiag(matrix.diagonal() + prior)
    right = np.bincount(index[free], pull[free], count) + prior * alpha[unknown]
    weights = 1 / matrix.diagonal()
    jacobi = LinearOperator((count, count), lambda vector: weights * vector)
    found, _ = cg(matrix, right, x0=alpha[unknown], M=jacobi, maxiter=STEPS, rtol=TOLERANCE)
    result = subject.astype(np.float32)
    result[unknown] = found.clip(0, 1)
    return result


def _windows(unknown: Mask) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows and columns of the nine pixels of each window that holds an unknown one."""
    middle = dilate(unknown, 1)
    middle[[0, -1]] = False
    middle[:, [0, -1]] = False
    rows, columns = np.nonzero(middle)
    return [(rows + down, columns + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]


def _laplacians(colours: Image) -> NDArray[np.float32]:
    """The matting Laplacian of each window alone: (N, 9, 3) uint8 -> (N, 9, 9)."""
    values = colours.astype(np.float32) / np.float32(255)
    values -= values.mean(axis=1, keepdims=True)
    turned = values.transpose(0, 2, 1)
    covariance = (turned @ values / 9).astype(np.float64) + EPSILON / 9 * np.eye(3)
    affinity = (1 + values @ np.linalg.inv(covariance).astype(np.float32) @ turned) / 9
    result: NDArray[np.float32] = np.eye(9, dtype=np.float32) - affinity.astype(np.float32)
    return result
