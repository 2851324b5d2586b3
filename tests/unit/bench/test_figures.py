from bench.figures import Bar, coloured, table


def test_a_bar_that_is_reached_is_ok_from_either_side():
    assert Bar("fast", [0.6, 0.5, 0.7], 0.5, at_least=True).verdict == "ok"
    assert Bar("small", [3.0, 4.0, 4.0], 4.0).verdict == "ok"


def test_a_bar_is_missed_only_by_more_than_the_spread():
    noisy = Bar("fast", [0.3, 0.48, 0.49, 0.9], 0.5, at_least=True)
    assert noisy.missed_by < noisy.spread
    assert noisy.verdict == "within the spread"
    assert Bar("fast", [0.40, 0.41, 0.42], 0.5, at_least=True).verdict == "missed"
    assert Bar("small", [5.0], 4.0).verdict == "missed"


def test_the_table_shows_every_bar_and_colours_the_missed_on_a_terminal_only():
    bars = [Bar("small", [5.0], 4.0, "kB"), Bar("fast", [0.6], 0.5, at_least=True)]
    text = table(bars)
    assert "≤ 4 kB" in text
    assert "≥ 0.50" in text
    assert coloured(text, bars, terminal=False) == text
    red = [line for line in coloured(text, bars, terminal=True).splitlines() if "\033[31m" in line]
    assert len(red) == 1
    assert "small" in red[0]
