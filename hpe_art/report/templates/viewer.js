// Pictures of people under each attack, and of universal perturbations alone, with poses.
const pictures = JSON.parse(byId("viewer-data").textContent);

// How a pose is drawn that the network does not see in the picture: thin, by its dashes.
const THIN = {
  clean: { stroke: "#ffffff", "stroke-width": 0.8, "stroke-dasharray": "2 2", opacity: 0.8 },
  target: { stroke: "#ff5cff", "stroke-width": 1.2, "stroke-dasharray": "0 2" },
};

// A pose on the picture of a stage; `kind` is a key of `THIN`, if it is not what is seen there.
function drawPose(svg, pose, kind) {
  for (const [a, b, side] of data.bones) {
    if (!pose[a] || !pose[b]) continue;
    const [fill, outline] = pictures.sides[side];
    const ends = {
      x1: pose[a][0],
      y1: pose[a][1],
      x2: pose[b][0],
      y2: pose[b][1],
      "stroke-linecap": "round",
    };
    if (kind) {
      svg.append(drawn("line", { ...ends, ...THIN[kind], class: kind }));
      continue;
    }
    // An edge, so that limbs stand out on any picture, in grey too.
    svg.append(
      drawn("line", { ...ends, stroke: outline, "stroke-width": 3, opacity: 0.7, class: "edge" }),
    );
    svg.append(drawn("line", { ...ends, stroke: fill, "stroke-width": 1.8 }));
  }
}

function place(stage, source, poses) {
  stage.hidden = !source;
  if (!source) return;
  const image = stage.querySelector("img"),
    svg = stage.querySelector("svg");
  image.onload = () => {
    const { naturalWidth: wide, naturalHeight: high } = image;
    stage.style.setProperty("--aspect", `${wide} / ${high}`);
    svg?.setAttribute("viewBox", `-0.5 -0.5 ${wide} ${high}`);
  };
  image.src = source;
  svg?.replaceChildren();
  poses?.forEach(([pose, kind]) => pose && drawPose(svg, pose, kind));
}

byId("viewer-controls") &&
  (() => {
    const network = byId("pick-network"),
      attack = byId("pick-attack"),
      person = byId("pick-person");
    const eps = byId("pick-eps"),
      other = byId("pick-other"),
      otherAttack = byId("pick-other-attack");
    const shown = () => pictures.networks[network.value],
      cells = () => shown()[attack.value];
    const called = number => one => one.person === number;
    const attacksOf = name =>
      Object.keys(pictures.networks[name] ?? {}).filter(one => one !== "clean");
    const posesOf = (one, clean) => [[clean?.pose, "clean"], [one.pose], [one.target, "target"]];

    // The same person under another network, or after what the pages compare, at the nearest eps.
    function besides(cell, number) {
      const all = pictures.networks[other.value],
        distance = one => Math.abs(one.eps - cell.eps);
      const held = all?.[otherAttack.value]?.reduce((best, one) =>
        distance(one) < distance(best) ? one : best,
      );
      const clean = all?.clean?.[0].people.find(called(number)),
        one = held?.people.find(called(number));
      place(byId("stage-other"), one?.image, one && posesOf(one, clean));
      byId("view-other").hidden = !other.value;
      byId("say-other").textContent = one
        ? `${other.value}, ${otherAttack.value}, eps ${held.eps}`
        : `no such picture of ${other.value}`;
    }

    function show() {
      const cell = cells()[eps.value],
        one = cell.people[person.selectedIndex];
      const clean = shown().clean?.[0].people.find(called(one.person));
      byId("eps-now").textContent = `${cell.eps} of 255`;
      eps.setAttribute("aria-valuetext", `${cell.eps} grey levels`);
      place(byId("stage-clean"), clean?.image, clean && [[clean.pose]]);
      place(byId("stage-perturbed"), one.image, posesOf(one, clean));
      place(byId("stage-delta"), one.delta);
      byId("view-delta").hidden = !one.delta;
      const several = names.length > 1,
        seen = several ? ` as ${network.value} sees it` : "",
        whose = several ? `${network.value}, ` : "";
      byId("say-clean").textContent = `clean${seen}: ${one.called}`;
      byId("say-perturbed").textContent = `${whose}${attack.value}, eps ${cell.eps}`;
      besides(cell, one.person);
    }

    const names = Object.keys(pictures.networks);
    function fillOther() {
      const others = names.filter(name => name !== network.value);
      fill(other, ["", ...others], ["nothing", ...others]);
    }

    let last = null;
    function refresh() {
      const traded = other.value === network.value;
      fillOther();
      if (traded) other.value = last;
      last = network.value;
      fill(attack, attacksOf(network.value));
      if (!attack.dataset.chosen && [...attack.options].some(one => one.value === pictures.lead))
        attack.value = pictures.lead;
      attack.dataset.chosen = true;
      fill(otherAttack, attacksOf(other.value));
      if (attacksOf(other.value).includes(attack.value)) otherAttack.value = attack.value;
      byId("label-other-attack").hidden = !other.value;
      const people = cells()[0].people;
      fill(
        person,
        people.map(one => one.person),
        people.map(one => one.called),
      );
      eps.max = cells().length - 1;
      if (+eps.value > +eps.max) eps.value = eps.max;
      show();
    }

    fill(network, names);
    byId("label-other").hidden = names.length < 2;
    for (const [before, after] of pictures.beside) {
      network.value = before;
      fillOther();
      other.value = after;
    }
    for (const select of [network, attack, person, other])
      select.addEventListener("change", refresh);
    for (const control of [eps, otherAttack]) control.addEventListener("input", show);
    refresh();
    eps.value = Math.floor(eps.max / 2);
    show();
    if (other.value && byId("stage-other").hidden) {
      other.value = "";
      refresh();
    }
  })();

byId("universal") &&
  (() => {
    const pick = byId("pick-universal");
    function draw() {
      const one = pictures.universal[pick.selectedIndex];
      byId("universal-views").replaceChildren(
        ...[["", null], ...Object.entries(one.poses)].map(([name, pose]) => {
          const says = pose ? `seen by ${name}` : "alone",
            image = element("img", { alt: `${pick.value}, ${says}` });
          const stage = element(
            "div",
            { class: "stage" },
            image,
            drawn("svg", { "aria-hidden": "true" }),
          );
          place(stage, one.image, [[pose]]);
          return element(
            "figure",
            { class: "view small-view" },
            stage,
            element("figcaption", {}, says),
          );
        }),
      );
    }
    fill(
      pick,
      pictures.universal.map(one => one.name),
    );
    pick.addEventListener("change", draw);
    draw();
  })();

explorer?.redraw();
