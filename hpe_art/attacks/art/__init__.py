"""ART's own evasion attacks, put to poses."""

from hpe_art.attacks.art.recipe_spec import ArtRecipe as ArtRecipe
