// What the strongest attack leaves over eps, a chart for the cards of each table.
function drawCards() {
  document.querySelectorAll(".panels").forEach((place, i) => {
    clearCharts(place);
    const cards = data.tables[i],
      { metric, attack } = cards[0];
    const values = cards.flatMap(({ name, worst }) =>
      worst
        .filter(([, score]) => known(score))
        .map(([x, y, low, high]) => ({
          name,
          x,
          y,
          low,
          high,
          says: `${inWords([y, low, high])} ${metric}`,
          about: `${name}, eps ${x}`,
        })),
    );
    if (!values.length) return;
    const axes = {
      x: "eps (grey levels of 255)",
      y: metric,
      top: metric.endsWith("(%)") ? 100 : 0,
      log: true,
    };
    drawChart(place, `The worst case by ${attack}`, lines(values, data.networks, axes));
  });
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCards);
drawCards();
