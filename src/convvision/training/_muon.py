"""Muon for convolution kernels."""

from __future__ import annotations

import math
from typing import Any

from convvision._keras import keras
from convvision._public import set_module

__all__ = ["Muon"]

# Of the quintic polynomial; they push every singular value towards 1 in few steps (Jordan 2024).
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


@set_module("convvision.training")
@keras.saving.register_keras_serializable("convvision")
class Muon(keras.optimizers.Optimizer):
    """Steps of equal length in every direction that a convolution can take (Jordan et al. 2024); Adam for the rest.

    The momentum of a kernel is read as a matrix (height · width · inputs, filters) and brought near the orthogonal
    matrix that is closest to it, by Newton–Schulz steps. The kernel itself is brought back to the Frobenius norm
    √(2 · filters), that of He's initialisation, before each step, so that the learning rate is a rate of turning
    (as in airbench, Jordan 2024). It must be followed by a normalisation, which takes no notice of a kernel's length.

    Keras's own ``keras.optimizers.Muon`` hands convolution kernels to AdamW. Biases, dense kernels, depthwise kernels
    of one filter a channel, and what normalisations learn, are trained by Adam here (Kingma & Ba 2015), with decoupled
    weight decay on the matrices.

    Args:
        learning_rate: Of the convolution kernels.
        momentum: Of the convolution kernels, in [0, 1); Nesterov's.
        newton_schulz_steps: Steps towards an orthogonal matrix.
        adam_ratio: Adam's learning rate, as a part of ``learning_rate``.
        beta_1: Adam's decay of the mean gradient.
        beta_2: Adam's decay of the mean squared gradient.
        epsilon: Adam's.
        adam_weight_decay: Part of the matrices that Adam trains that is taken away in a step at learning rate 1.
        name: Of the optimiser.
        **options: As every Keras optimiser takes them.

    Example:
        >>> import keras, numpy as np
        >>> from convvision.training import Muon
        >>> kernel = keras.Variable(np.ones((3, 3, 1, 2), "float32"))
        >>> optimizer = Muon(learning_rate=0.0)
        >>> optimizer.apply([np.ones((3, 3, 1, 2), "float32")], [kernel])
        >>> round(float(np.linalg.norm(kernel.numpy())), 3)  # √(2 · 2)
        2.0
    """

    def __init__(
        self,
        learning_rate: float = 0.04,
        *,
        momentum: float = 0.85,
        newton_schulz_steps: int = 3,
        adam_ratio: float = 0.25,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        epsilon: float = 1e-8,
        adam_weight_decay: float = 0.0,
        name: str = "muon",
        **options: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **options)
        self.momentum = momentum
        self.newton_schulz_steps = newton_schulz_steps
        self.adam_ratio = adam_ratio
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.adam_weight_decay = adam_weight_decay
        self._velocities: list[Any] = []

    def build(self, variables: list[Any]) -> None:
        """Make the state of each variable: a momentum, and for those of Adam a mean square."""
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")
        self._velocities = [
            None if is_convolution(variable) else self.add_variable_from_reference(variable, name="velocity")
            for variable in variables
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one variable."""
        index = self._get_variable_index(variable)
        learning_rate = keras.ops.cast(learning_rate, variable.dtype)
        gradient = keras.ops.cast(gradient, variable.dtype)
        if self._velocities[index] is None:
            self._turn(gradient, variable, learning_rate, self._momentums[index])
        else:
            self._adam(
                gradient, variable, self.adam_ratio * learning_rate, self._momentums[index], self._velocities[index]
            )

    def _turn(self, gradient: Any, kernel: Any, learning_rate: Any, momentum: Any) -> None:
        mean = self.momentum * momentum + gradient
        self.assign(momentum, mean)
        matrix = keras.ops.reshape(gradient + self.momentum * mean, (-1, kernel.shape[-1]))
        step = keras.ops.reshape(orthogonalise(matrix, self.newton_schulz_steps), kernel.shape)
        norm = keras.ops.sqrt(keras.ops.sum(keras.ops.square(kernel)))
        length = math.sqrt(2 * kernel.shape[-1])
        self.assign(kernel, kernel * (length / (norm + 1e-12)) - learning_rate * step)

    def _adam(self, gradient: Any, variable: Any, learning_rate: Any, momentum: Any, velocity: Any) -> None:
        count = keras.ops.cast(self.iterations + 1, variable.dtype)
        mean = momentum + (1 - self.beta_1) * (gradient - momentum)
        square = velocity + (1 - self.beta_2) * (keras.ops.square(gradient) - velocity)
        self.assign(momentum, mean)
        self.assign(velocity, square)
        rate = learning_rate * keras.ops.sqrt(1 - self.beta_2**count) / (1 - self.beta_1**count)
        kept = 1 - self.adam_weight_decay * learning_rate if len(variable.shape) > 1 else 1
        self.assign(variable, kept * variable - rate * mean / (keras.ops.sqrt(square) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Give what ``from_config`` makes the same optimiser of."""
        names = (
            "momentum", "newton_schulz_steps", "adam_ratio", "beta_1", "beta_2", "epsilon", "adam_weight_decay"
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def is_convolution(variable: Any) -> bool:
    """Tell whether Muon, rather than Adam, trains a variable: a kernel of more than one filter."""
    return len(variable.shape) == 4 and variable.shape[-1] > 1


def orthogonalise(matrix: Any, steps: int) -> Any:
    """Bring all singular values of a matrix towards 1, by quintic Newton–Schulz steps (Jordan 2024)."""
    a, b, c = _COEFFICIENTS
    rows, columns = matrix.shape
    x = keras.ops.transpose(matrix) if rows > columns else matrix
    x /= keras.ops.sqrt(keras.ops.sum(keras.ops.square(x))) + 1e-7
    for _ in range(steps):
        gram = keras.ops.matmul(x, keras.ops.transpose(x))
        x = a * x + keras.ops.matmul(b * gram + c * keras.ops.matmul(gram, gram), x)
    return keras.ops.transpose(x) if rows > columns else x
