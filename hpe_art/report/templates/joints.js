// What an attack leaves of each joint: the drawn person of each network, and marks by joint.
byId("joints") &&
  (() => {
    const attack = byId("joint-attack"),
      eps = byId("joint-eps"),
      label = data.scores[0].label;
    const [width, height] = data.body;
    // From what is lost to what is kept; their lightness tells them apart without colour.
    const STOPS = [
      [103, 0, 31],
      [206, 92, 60],
      [247, 190, 140],
      [238, 240, 235],
    ];

    // 1 where nothing is lost; of an error its growth, turned round.
    const kept = value =>
      Math.min(
        1,
        Math.max(0, data.metric.higher_is_better ? value / 100 : 100 / Math.max(value, 100)),
      );
    function shade(value) {
      const at = kept(value) * (STOPS.length - 1),
        i = Math.min(Math.floor(at), STOPS.length - 2);
      return STOPS[i].map((from, k) => Math.round(from + (at - i) * (STOPS[i + 1][k] - from)));
    }
    const css = rgb => `rgb(${rgb.join(" ")})`;
    const isDark = rgb => 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 140;

    const sizes = name =>
      distinct(
        data.runs.flatMap(run => run.attacks.filter(one => one.name === name).map(one => one.eps)),
      ).sort((a, b) => a - b);
    const entryOf = run =>
      run.attacks.find(
        one => one.name === attack.value && one.eps === sizes(attack.value)[eps.value],
      );

    function body(points, words) {
      const figure = drawn("svg", {
        viewBox: `0 0 ${width} ${height}`,
        role: "img",
        "aria-label": words,
      });
      const shades = points.map(([value]) => (known(value) ? shade(value) : null));
      for (const [a, b] of data.bones) {
        const [x1, y1] = data.layout[a],
          [x2, y2] = data.layout[b];
        const ends = { x1, y1, x2, y2, "stroke-linecap": "round" };
        figure.append(drawn("line", { ...ends, stroke: "var(--edge)", "stroke-width": 12 }));
        if (!shades[a] || !shades[b]) continue;
        const middle = shades[a].map((one, k) => Math.round((one + shades[b][k]) / 2));
        figure.append(drawn("line", { ...ends, stroke: css(middle), "stroke-width": 9 }));
      }
      const few = data.joints.length <= 30;
      points.forEach(([value], k) => {
        const [cx, cy] = data.layout[k],
          rgb = shades[k];
        const dot = {
          cx,
          cy,
          r: few ? 10 : 4,
          fill: rgb ? css(rgb) : "var(--paper)",
          stroke: "var(--edge)",
        };
        const about = drawn("title", {}, `${data.joints[k]}: ${inWords(points[k])}`);
        const group = drawn("g", {}, about, drawn("circle", dot));
        const ink = !rgb ? "var(--ink)" : isDark(rgb) ? "#fff" : "#1b1b1f";
        if (few)
          group.append(
            drawn(
              "text",
              { x: cx, y: cy + 3, fill: ink, "font-size": 9, "text-anchor": "middle" },
              number(value, 0),
            ),
          );
        figure.append(group);
      });
      return figure;
    }

    const without = data.left_out.length ? ` (not ${data.left_out.join(" and ")})` : "";
    const counted = point => `all joints that count${without}: ${inWords(point)} %`;

    function draw() {
      const all = sizes(attack.value);
      eps.max = all.length - 1;
      if (+eps.value > +eps.max) eps.value = eps.max;
      const size = all[eps.value],
        at = known(size) ? `eps ${size}` : "no bound";
      byId("joint-eps-now").textContent = at;
      eps.setAttribute("aria-valuetext", at);
      eps.disabled = all.length < 2;
      const asked = explorer.runs().map(({ network, run }) => ({ network, entry: entryOf(run) })),
        seen = asked.filter(one => one.entry);
      byId("bodies").replaceChildren(
        ...(data.layout ? asked : []).map(({ network, entry }) => {
          const name = [swatch(data.networks.find(one => one.name === network)), network];
          if (!entry) {
            const what = ` was not attacked by ${attack.value}${known(size) ? ` at ${at}` : ""}.`,
              lacks = element("figcaption", {}, ...name, what);
            return element("figure", { class: "body" }, lacks);
          }
          const each = data.joints
            .map((joint, k) => `${joint} ${number(entry.joints[k][0], 0)}`)
            .join(", ");
          const words = `${network} under ${entry.name}, ${at}: ${each}`;
          const says = element(
            "figcaption",
            {},
            ...name,
            element("br"),
            element("span", { class: "small" }, counted(entry.values.relative)),
          );
          return element("figure", { class: "body" }, body(entry.joints, words), says);
        }),
      );
      clearCharts(byId("joint-chart"));
      const values = seen.flatMap(({ network, entry }) =>
        entry.joints.flatMap((point, k) => {
          const says = `${inWords(point)} ${label}`,
            about = `${network}, ${data.joints[k]}`;
          return known(point[0])
            ? [
                {
                  name: network,
                  x: data.joints[k],
                  y: point[0],
                  low: point[1],
                  high: point[2],
                  says,
                  about,
                },
              ]
            : [];
        }),
      );
      byId("no-joints").hidden = values.length > 0;
      if (!values.length) return;
      const title = `By joint, ${attack.value}, ${at}`;
      const chart = marksOf(values, data.networks, {
        x: label,
        top: data.metric.higher_is_better ? 100 : 0,
      });
      drawChart(byId("joint-chart"), title, chart);
    }

    fill(
      attack,
      data.attacks.map(one => one.name),
    );
    attack.value = data.by_joint ?? data.attacks[0].name;
    // Where half is lost most is to be seen.
    const distance = size => {
      const found = data.runs.flatMap(run =>
        run.attacks.filter(one => one.name === attack.value && one.eps === size),
      );
      const left = found
        .map(one => one.values.relative[0])
        .filter(known)
        .map(kept);
      return Math.abs(left.reduce((sum, one) => sum + one, 0) / left.length - 0.5);
    };
    const first = sizes(attack.value);
    eps.max = first.length - 1;
    eps.value = first.indexOf(
      first.reduce((best, size) => (distance(size) < distance(best) ? size : best), first[0]),
    );
    attack.addEventListener("change", draw);
    eps.addEventListener("input", draw);
    explorer.onRedraw(draw);
  })();
