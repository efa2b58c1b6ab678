from . import callbacks as callbacks
from . import datasets as datasets
from . import errors as errors
from . import kernels as kernels
from . import models as models
from . import registry as registry
from . import training as training
from . import visualize as visualize
from .datasets import get_dataset_info as get_dataset_info
from .datasets import list_datasets as list_datasets
from .datasets import load_dataset as load_dataset
from .datasets import register_dataset as register_dataset
from .models import create_model as create_model
from .models import get_model_info as get_model_info
from .models import list_models as list_models
from .models import register_model as register_model
from .models import summary as summary
from .training import Comparison as Comparison
from .training import Recipe as Recipe
from .training import Run as Run
from .training import compare as compare
from .training import get_recipe as get_recipe
from .training import list_recipes as list_recipes
from .training import load_run as load_run
from .training import register_recipe as register_recipe
from .training import train as train

__version__: str
