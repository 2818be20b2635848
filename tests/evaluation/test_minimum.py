def test_an_attack_without_an_eps_runs_as_the_others(attacked):
    _, run = attacked(dict(type="fmn", max_iter=2), num_samples=2).finished
    (attack,) = run.attacks
    assert (attack.name, attack.eps) == ("FMN-U-2", None)
    assert attack.backward_passes > 0
    assert attack.score.value <= run.clean.score.value
