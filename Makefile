VENV ?= .venv
PYTHON ?= python
READY := $(VENV)/.ready
# The tools of the environment if it is there, else those of the activated one.
BIN = $(if $(wildcard $(VENV)/bin/ruff),$(VENV)/bin/)

# In this order: grown networks start from the hourglass.
NETWORKS = hourglass hourglass_8stack dlcm
# What these start from learns from hints of the hourglass.
RESNETS = chained_predictions deeppose resnet_regression resnet_heatmap
PRETRAINING = resnet18_narrow attention_hourglass
STARTS = work_dirs/pretraining

.PHONY: attack test check lint types layers requirements zoo networks benchmark

attack: $(READY)
	$(VENV)/bin/python tools/attack.py mmpose_configs/hourglass.py

test: $(READY)
	$(VENV)/bin/python -m pytest

check: lint types layers test

lint:
	$(BIN)ruff check
	$(BIN)ruff format --check

types:
	$(BIN)mypy

layers:
	$(BIN)lint-imports --no-logo

requirements:
	$(BIN)uv pip compile --universal --python-version 3.11 --fork-strategy fewest --all-extras \
		--group pinned --annotation-style line pyproject.toml -o requirements.txt

# torchattacks asks for an outdated requests, which it does not need.
benchmark: $(READY)
	$(VENV)/bin/pip install --no-deps torchattacks==3.5.1
	$(VENV)/bin/python tools/benchmark.py --parts runs growth strength sizes goals \
		--markdown docs/performance.md

TRAIN =  # --amp on a GPU, or a processor with AMX
FIT = --attack uap --eps 8 16 --fit-samples 6000 --num-samples 256

zoo: $(READY)
	$(MAKE) networks
	for name in $(PRETRAINING); do \
		$(VENV)/bin/python tools/train.py mmpose_configs/pretraining/$$name.py $(TRAIN) \
			--work-dir $(STARTS)/$$name || exit; \
	done
	$(MAKE) networks NETWORKS="$(RESNETS)" \
		TRAIN="$(TRAIN) --load-from $(STARTS)/resnet18_narrow/epoch_12.pth"
	$(MAKE) networks NETWORKS=attention_hourglass TRAIN="$(TRAIN) --cfg-options \
		model.backbone.init_cfg.type=GrownInit \
		model.backbone.init_cfg.checkpoint=$(STARTS)/attention_hourglass/epoch_8.pth"

networks: $(READY)
	for name in $(NETWORKS); do \
		config=mmpose_configs/$$name.py && work=work_dirs/$$name && \
		$(VENV)/bin/python tools/train.py $$config $(TRAIN) --work-dir $$work && \
		$(VENV)/bin/python tools/publish.py $$config $$(ls -t $$work/epoch_*.pth | head -1) \
			--command "make zoo # $$config" && \
		$(VENV)/bin/python tools/attack.py $$config $(FIT) --out $$work/uap && \
		for file in $$work/uap/perturbations/*.npz; do \
			$(VENV)/bin/python tools/publish.py $$config $$file \
				--command "python tools/attack.py $$config $(FIT)" || exit; \
		done || exit; \
	done

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --no-deps -r requirements.txt -e .
	touch $@
