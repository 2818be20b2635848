// What networks see in images made for another: a matrix whose rows and columns are sorted.
byId("transfer") &&
  (() => {
    const pick = byId("transfer-attack"),
      table = byId("transfer-table");
    const isTransfer = (run, name) => run.observers[name] === "transfer";
    const shownOf = run =>
      run.attacks.filter(
        one => known(one.eps) && Object.keys(one.observed).some(name => isTransfer(run, name)),
      );
    const names = distinct(
      data.runs.flatMap(run => shownOf(run).map(one => `${one.name}, eps ${one.eps}`)),
    );
    const network = i => data.networks[i].name;
    let order = { rows: null, columns: null };

    // What a network sees in the images that were made on a run.
    function point(run, i, name) {
      const entry = run.attacks.find(one => `${one.name}, eps ${one.eps}` === pick.value);
      return network(i) === name ? entry?.values.relative : entry?.observed[name];
    }

    const head = (kind, name, sorted) => {
      const parts = name.split(/(?<=_)/).flatMap(part => [part, element("wbr")]);
      const button = element("button", { type: "button" }, ...parts);
      button.addEventListener("click", () => {
        order[kind] = { name, up: !(order[kind]?.name === name && order[kind].up) };
        draw();
        [...table.querySelectorAll("button")]
          .find(
            one =>
              one.textContent === name &&
              one.closest("thead") === (kind === "rows" ? table.tHead : null),
          )
          ?.focus();
      });
      const scope = kind === "rows" ? "col" : "row";
      const now =
        sorted?.name === name ? { "aria-sort": sorted.up ? "ascending" : "descending" } : {};
      return element("th", { scope, ...now }, button);
    };

    function sorted(list, by, value) {
      if (!by) return list;
      const rank = one => value(one)?.[0] ?? Infinity;
      return [...list].sort((a, b) => (by.up ? 1 : -1) * (rank(a) - rank(b) || 0));
    }

    function draw() {
      const made = data.runs.map((run, i) => i).filter(i => point(data.runs[i], i, network(i)));
      const seers = distinct([
        ...made.map(network),
        ...made.flatMap(i =>
          Object.keys(data.runs[i].observers).filter(name => isTransfer(data.runs[i], name)),
        ),
      ]);
      const of = (seer, i) => point(data.runs[i], i, seer);
      const byName = name => made.find(i => network(i) === name);
      const rows = sorted(seers, order.rows, seer => of(seer, byName(order.rows.name)));
      const columns = sorted(made, order.columns, i => of(order.columns.name, i));
      const line = element(
        "tr",
        {},
        element("th", { scope: "col" }, "shown to ↓ made on →"),
        ...columns.map(i => head("rows", network(i), order.rows)),
      );
      table.tHead.replaceChildren(line);
      table.tBodies[0].replaceChildren(
        ...rows.map(seer =>
          element(
            "tr",
            {},
            head("columns", seer, order.columns),
            ...columns.map(i => {
              const one = of(seer, i),
                cell = element("td", { title: inWords(one) }, number(one?.[0]));
              if (network(i) === seer) cell.classList.add("own");
              if (known(one?.[0])) {
                const kept = data.metric.higher_is_better
                  ? Math.min(one[0], 100)
                  : 1e4 / Math.max(one[0], 100);
                cell.style.background = `rgba(var(--cell), ${(kept / 180).toFixed(2)})`;
              }
              return cell;
            }),
          ),
        ),
      );
    }

    if (!names.length) return;
    byId("transfer").hidden = false;
    fill(pick, names);
    const lead = `${data.lead.attack}, eps ${data.lead.eps}`;
    if (names.includes(lead)) pick.value = lead;
    pick.addEventListener("change", draw);
    draw();
  })();
