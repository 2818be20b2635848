// What has changed by joint, before and after: a mark with its interval for each.
document.querySelectorAll(".comparison").forEach((section, i) => {
  const pick = section.querySelector(".pick-change"),
    place = section.querySelector(".change-chart");
  const { rows, before, after, lead } = data.compared[i],
    digits = data.metric.digits;
  const named = row => (known(row.eps) ? `${row.name}, eps ${row.eps}` : row.name);

  function draw() {
    clearCharts(place);
    const row = rows[pick.selectedIndex],
      under = pick.selectedIndex ? `under ${named(row)}` : "on clean images",
      label = `change of ${data.metric.label}`;
    const values = row.joints.flatMap(([value, low, high], k) => {
      const says = inWords([value, low, high], digits),
        about = `${data.joints[k]}, ${named(row)}`;
      return known(value)
        ? [{ x: data.joints[k], y: value, low, high, says: `${says} ${label}`, about }]
        : [];
    });
    if (!values.length) return;
    const on = field => ({ field, type: "quantitative", axis: { title: label } });
    const ink = colourOf("--ink"),
      y = { field: "x", type: "nominal", sort: null, axis: { title: null, grid: true } };
    const layer = [
      {
        mark: { type: "rule", color: ink, strokeWidth: 2, aria: false },
        encoding: { x: { datum: 0 }, y: null },
      },
      {
        mark: {
          type: "point",
          filled: true,
          size: 80,
          opacity: 1,
          color: colourOf("--mark"),
          aria: false,
          tooltip: true,
        },
        encoding: { x: on("y") },
      },
    ];
    if (values.some(one => known(one.low))) {
      layer.unshift({
        mark: { type: "rule", color: colourOf("--mark"), aria: false },
        encoding: { x: on("low"), x2: { field: "high" } },
      });
    }
    drawChart(
      place,
      `Change of ${data.metric.label} by joint ${under}: ${after} minus ${before}`,
      { data: { values }, encoding: { y }, layer },
      60 + 20 * data.joints.length,
    );
  }

  fill(pick, rows.map(named));
  pick.selectedIndex = lead;
  pick.addEventListener("change", draw);
  if (explorer) explorer.onRedraw(draw);
  else draw();
});
