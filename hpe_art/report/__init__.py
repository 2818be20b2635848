"""Tables, pictures and curves, made from results; no model is run here."""

from hpe_art.report.attack_figures import eps_curve as eps_curve
from hpe_art.report.pictures import PersonPictures as PersonPictures
from hpe_art.report.pictures import draw_pictures as draw_pictures
from hpe_art.report.pictures import person_panel as person_panel
from hpe_art.report.pictures import save_pictures as save_pictures
from hpe_art.report.skeleton_drawing import draw_skeleton as draw_skeleton
from hpe_art.report.table import results_markdown as results_markdown
from hpe_art.report.table import results_table as results_table
