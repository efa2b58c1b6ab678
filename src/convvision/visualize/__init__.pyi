from ._activations import Activations as Activations
from ._activations import LayerActivation as LayerActivation
from ._activations import extract_activations as extract_activations
from ._display import Display as Display
from ._grid import ActivationGridDisplay as ActivationGridDisplay
from ._grid import plot_activation_grid as plot_activation_grid
from ._kernels import KernelDisplay as KernelDisplay
from ._kernels import plot_kernels as plot_kernels
