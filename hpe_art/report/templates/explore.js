// The charts of scores: what they show is chosen once, above them.
const explorer =
  byId("charts") &&
  (() => {
    const shown = {
      network: new Set(data.networks.map(one => one.name)),
      attack: new Set(data.shown),
    };
    const styles = { network: data.networks, attack: data.attacks };
    const listeners = [];
    const chosen = name => document.querySelector(`input[name="${name}"]:checked`).value;
    const score = () => data.scores.find(one => one.key === byId("pick-score").value);
    const runs = () =>
      data.networks
        .map((one, i) => ({ network: one.name, run: data.runs[i] }))
        .filter(({ network }) => shown.network.has(network));
    const digits = () =>
      ({ relative: 1, score: data.metric.digits, target: data.metric.digits })[score().key] ?? 3;
    // Scores that cannot be above 100 end there.
    const top = () => {
      const percent =
        score().key === "relative" ||
        (data.metric.unit === "%" && !score().key.startsWith("official"));
      return percent && data.metric.higher_is_better ? 100 : 0;
    };

    // The rows of a chart, of those entries that have the score.
    function rows(network, entries, x, what) {
      return entries.flatMap(entry => {
        const point = entry.values[score().key] ?? [];
        if (!known(x(entry)) || !known(point[0])) return [];
        const says = `${inWords(point, digits())} ${score().label}`;
        const about = `${network}, ${entry.name}, ${what} ${x(entry)}`;
        return [
          {
            network,
            attack: entry.name,
            x: x(entry),
            y: point[0],
            low: point[1],
            high: point[2],
            says,
            about,
          },
        ];
      });
    }

    function panels(part, all, key, series, x) {
      const place = byId(part).querySelector(".panels");
      clearCharts(place);
      byId(part).hidden = !all.length;
      const axes = { x, y: score().label, top: top(), log: chosen("scale") === "log" };
      const charts = distinct(all.map(row => row[key])).map(title => {
        const values = all
          .filter(row => row[key] === title)
          .map(row => ({ ...row, name: row[series] }));
        return [title, lines(values, styles[series], axes)];
      });
      drawCharts(place, charts);
    }

    function drawEps() {
      const all = runs().flatMap(({ network, run }) =>
        rows(
          network,
          run.attacks.filter(one => shown.attack.has(one.name)),
          one => one.eps,
          "eps",
        ),
      );
      const panel = chosen("panel");
      const grey = data.runs.every(run => run.attacks.every(one => one.norm === "inf"));
      const unit = grey ? "grey levels of 255" : "grey levels, or in the norm of the name";
      const title = `eps (${unit})`;
      panels("over-eps", all, panel, panel === "attack" ? "network" : "attack", title);
      byId("no-curve").hidden = all.length > 0;
      byId("one-eps").hidden = distinct(all.map(row => row.x)).length !== 1;
    }

    // Each family of attacks at the eps that it was run with most numbers of steps at.
    function drawSteps() {
      const entries = data.runs
        .flatMap(run => run.attacks)
        .filter(one => shown.attack.has(one.name));
      const families = distinct(entries.map(one => one.family));
      const all = runs().flatMap(({ network, run }) =>
        families.flatMap(family => {
          const own = run.attacks.filter(
            one => one.family === family && known(one.steps) && known(one.eps),
          );
          const bySize = distinct(own.map(one => one.eps)).map(eps =>
            own.filter(one => one.eps === eps),
          );
          const [most = []] = bySize.sort((a, b) => b.length - a.length);
          const panel = `${family}, eps ${most[0]?.eps}`;
          return most.length > 1
            ? rows(network, most, one => one.steps, "steps").map(row => ({ ...row, panel }))
            : [];
        }),
      );
      panels("over-steps", all, "panel", "network", "steps");
    }

    // The leading attack as each defended network sees it, in percent of its own clean score.
    function drawDefences() {
      const { attack, eps } = data.lead;
      const all = runs().flatMap(({ network, run }) => {
        const entry = run.attacks.find(one => one.name === attack && one.eps === eps);
        const behind = Object.keys(run.observers).filter(
          name => run.observers[name] === "defence" && entry?.observed[name],
        );
        const seen = behind.map(name => [name, entry.observed[name]]);
        if (seen.length) seen.unshift(["no defence", entry.values.relative]);
        return seen
          .filter(([, point]) => known(point[0]))
          .map(([x, point]) => ({
            panel: `${attack}, eps ${eps}`,
            network,
            x,
            y: point[0],
            low: point[1],
            high: point[2],
            says: `${inWords(point)} ${data.scores[0].label}`,
            about: `${network}, ${x}`,
          }));
      });
      const place = byId("behind-defences").querySelector(".panels");
      clearCharts(place);
      byId("behind-defences").hidden = !all.length;
      if (!all.length) return;
      const values = all.map(row => ({ ...row, name: row.network }));
      drawChart(
        place,
        all[0].panel,
        marksOf(values, data.networks, {
          x: data.scores[0].label,
          top: data.metric.higher_is_better ? 100 : 0,
        }),
      );
    }

    function redraw() {
      drawEps();
      drawSteps();
      drawDefences();
      listeners.forEach(listener => listener());
    }

    function toggle(kind, style) {
      const box = element("input", { type: "checkbox", value: style.name });
      box.checked = shown[kind].has(style.name);
      box.addEventListener("change", () => {
        shown[kind][box.checked ? "add" : "delete"](style.name);
        redraw();
      });
      return element("label", {}, box, swatch(style), style.name);
    }

    // Attacks with a curve come first, those at one eps after them if there are others.
    const sizes = name =>
      distinct(
        data.runs.flatMap(run => run.attacks.filter(one => one.name === name).map(one => one.eps)),
      ).length;
    const curves = data.attacks.filter(one => sizes(one.name) > 1),
      first = curves.length ? curves : data.attacks;
    const others = data.attacks.filter(one => !first.includes(one));
    byId("toggle-networks").append(...data.networks.map(style => toggle("network", style)));
    byId("toggle-attacks").append(...first.map(style => toggle("attack", style)));
    if (others.length) {
      const summary = element("summary", {}, `${others.length} more, at one eps`);
      byId("toggle-attacks").append(
        element("details", {}, summary, ...others.map(style => toggle("attack", style))),
      );
    }
    byId("pick-score").append(...data.scores.map(one => new Option(one.label, one.key)));
    // A score that no ticked attack has ticks those that have it, with a curve if there are any,
    // until another score is chosen; that of the target, those that aim at it.
    let before = null;
    function tick(names) {
      for (const box of byId("toggle-attacks").querySelectorAll("input")) {
        box.checked = names.has(box.value);
        if (box.checked) box.closest("details")?.setAttribute("open", "");
      }
      shown.attack = new Set(names);
    }
    function tickScored() {
      if (before) tick(before);
      before = null;
      const aims = one => score().key !== "target" || one.targeted;
      const has = one => aims(one) && known((one.values[score().key] ?? [])[0]);
      const scored = data.runs.flatMap(run => run.attacks.filter(has).map(one => one.name));
      if (!scored.length || scored.some(name => shown.attack.has(name))) return;
      before = shown.attack;
      const drawn = scored.filter(name => first.some(one => one.name === name));
      tick(new Set(drawn.length ? drawn : scored));
    }
    byId("pick-score").addEventListener("change", tickScored);
    const panel = data.networks.length === 1 ? "network" : "attack";
    document.querySelector(`input[name="panel"][value="${panel}"]`).checked = true;
    for (const choice of document.querySelectorAll(
      "#pick-score, input[name=panel], input[name=scale]",
    )) {
      choice.addEventListener("change", redraw);
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    return { redraw, runs, onRedraw: listener => listeners.push(listener) };
  })();
