VENV ?= .venv
PYTHON ?= python
READY := $(VENV)/.ready
# The tools of the environment if it is there, else those of the activated one.
BIN = $(if $(wildcard $(VENV)/bin/ruff),$(VENV)/bin/)

# Those after the first start from its bundled weights, or learn from them.
NETWORKS = hourglass hourglass_8stack dlcm \
	chained_predictions deeppose resnet_regression resnet_heatmap attention_hourglass
# With COCO's joints; no perturbation of theirs is bundled.
COCO = coco_resnet_heatmap rtmpose_tiny
# Trained against attacks, from the weights of others; no perturbation either.
ROBUST = hourglass_robust8 resnet_heatmap_robust4
RESNETS = chained_predictions deeppose resnet_regression resnet_heatmap

.PHONY: attack test test-all check lint types layers docs requirements zoo benchmark benchmark-quick
.SECONDARY:

attack: $(READY)
	$(VENV)/bin/python tools/attack.py mmpose_configs/hourglass.py

test: $(READY)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

test-all: $(READY)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile -m "slow or not slow"

check: lint types layers test-all

lint:
	$(BIN)ruff check
	$(BIN)ruff format --check

types:
	$(BIN)mypy

layers:
	$(BIN)lint-imports --no-logo

# Into site/, without the network; warnings are errors. Its search wants a server: python -m http.server -d site
docs:
	NO_MKDOCS_2_WARNING=1 $(BIN)python -m mkdocs build

requirements:
	$(BIN)uv pip compile --universal --python-version 3.11 --fork-strategy fewest --all-extras \
		--group pinned --annotation-style line pyproject.toml -o requirements.txt

# torchattacks asks for an outdated requests, adv-lib for visdom: they do not need them.
benchmark: $(READY)
	$(VENV)/bin/pip install --no-deps torchattacks==3.5.1 adv-lib==0.2.8
	$(VENV)/bin/python tools/benchmark.py --parts sizes --steps 1
	$(VENV)/bin/python tools/benchmark.py --parts strength --people 128
	$(VENV)/bin/python tools/benchmark.py --parts rivals --people 16 \
		--networks deeppose.py hourglass.py resnet_heatmap.py
	$(VENV)/bin/python tools/benchmark.py --parts runs growth goals --repeats 5 --markdown docs/performance.md

benchmark-quick: $(READY)
	$(VENV)/bin/python tools/benchmark.py --parts quick --steps 1

TRAIN =  # --amp on a GPU, or a processor with AMX
FIT = --attack uap --eps 8 16 --fit-samples 6000 --num-samples 256
BITS = 5
work_dirs/hourglass/published: BITS = 8
work_dirs/hourglass_8stack/published: BITS = 6
work_dirs/dlcm/published: BITS = 7
work_dirs/attention_hourglass/published: BITS = 6
$(COCO:%=work_dirs/%/published) work_dirs/hourglass_robust8/published: BITS = 6
work_dirs/resnet_heatmap_robust4/published: BITS = 4

# Goes on where it was stopped; `make work_dirs/NAME/published` makes one network.
zoo: work_dirs/hourglass/published
	$(MAKE) $(NETWORKS:%=work_dirs/%/published) $(COCO:%=work_dirs/%/published) $(ROBUST:%=work_dirs/%/published)

work_dirs/%/published: work_dirs/%/trained
	$(VENV)/bin/python tools/publish.py mmpose_configs/$*.py $$(cat work_dirs/$*/last_checkpoint) \
		--bits $(BITS) --command "python tools/train.py mmpose_configs/$*.py $(TRAIN)"
	$(VENV)/bin/python tools/attack.py mmpose_configs/$*.py $(FIT) --out work_dirs/$*/uap
	for file in work_dirs/$*/uap/perturbations/*.npz; do \
		$(VENV)/bin/python tools/publish.py mmpose_configs/$*.py $$file \
			--command "python tools/attack.py mmpose_configs/$*.py $(FIT)" || exit; \
	done
	touch $@

work_dirs/%/trained: | $(READY)
	$(VENV)/bin/python tools/train.py mmpose_configs/$*.py $(TRAIN) --work-dir work_dirs/$* --resume
	touch $@

$(RESNETS:%=work_dirs/%/trained): work_dirs/pretraining/resnet18_narrow/trained
work_dirs/attention_hourglass/trained: work_dirs/pretraining/attention_hourglass/trained

$(COCO:%=work_dirs/%/published) $(ROBUST:%=work_dirs/%/published): \
		work_dirs/%/published: work_dirs/%/trained
	$(VENV)/bin/python tools/publish.py mmpose_configs/$*.py \
		$$(cat work_dirs/$*/last_checkpoint) --bits $(BITS) \
		--command "python tools/train.py mmpose_configs/$*.py $(TRAIN)"
	touch $@
# The backbone's bundled weights on MPII's joints, and what hints of the network above have left.
work_dirs/coco_resnet_heatmap/published: TRAIN += --load-from zoo://resnet_heatmap
RTMPOSE_START = work_dirs/pretraining/rtmpose_tiny
work_dirs/rtmpose_tiny/published: TRAIN += --load-from $(RTMPOSE_START)/epoch_12.pth
work_dirs/rtmpose_tiny/trained: $(RTMPOSE_START)/trained
$(RTMPOSE_START)/trained: TRAIN =
ROBUST_START = work_dirs/hourglass_robust8_start
work_dirs/hourglass_robust8/published: TRAIN += --load-from $(ROBUST_START)/epoch_7.pth
work_dirs/hourglass_robust8/trained: $(ROBUST_START)/trained
$(ROBUST_START)/trained: | $(READY)
	$(VENV)/bin/python tools/train.py mmpose_configs/hourglass_robust8.py --load-from zoo://hourglass \
		--work-dir $(ROBUST_START) --resume --cfg-options default_hooks.adversarial.clean_share=0 \
		default_hooks.adversarial.warmup=500 train_cfg.max_epochs=7 optim_wrapper.optimizer.lr=1e-3
	touch $@
work_dirs/resnet_heatmap_robust4/published: TRAIN += --load-from zoo://resnet_heatmap

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --no-deps -r requirements.txt -e .
	touch $@
