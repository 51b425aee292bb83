//! Small pictures in characters: a row of bars, one a call, and a histogram.

/// With which characters a picture is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Eighths of a block.
    Blocks,
    /// Where only ASCII can be shown.
    Ascii,
}

impl Ink {
    const fn levels(self) -> &'static [char] {
        match self {
            Self::Blocks => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Self::Ascii => &['_', '.', ':', '-', '=', '+', '*', '#'],
        }
    }

    /// What stands for a call that has no figure.
    pub(super) const fn none(self) -> char {
        match self {
            Self::Blocks => '×',
            Self::Ascii => 'x',
        }
    }

    const fn bar(self) -> char {
        match self {
            Self::Blocks => '█',
            Self::Ascii => '#',
        }
    }
}

/// One character a figure, the higher the longer; the least is the lowest bar and the greatest the highest, and where all
/// are alike (within a hundredth, or 10 ms) they stand in the middle.
pub(super) fn bars(figures: &[Option<u64>], ink: Ink) -> String {
    let known = || figures.iter().flatten().copied();
    let (Some(least), Some(most)) = (known().min(), known().max()) else {
        return figures.iter().map(|_| ink.none()).collect();
    };
    let levels = ink.levels();
    let top = levels.len() as u64 - 1;
    // What differs by no more than a clock's grain is alike.
    let grain = (most / 100).max(10);
    let level = |figure: u64| match most - least {
        span if span < grain => levels.len() / 2 - 1,
        span => {
            let place =
                (u128::from(figure - least) * u128::from(top) + u128::from(span) / 2) / u128::from(span);
            usize::try_from(place).unwrap_or(0)
        }
    };
    let mark = |figure: &Option<u64>| {
        figure.map_or(ink.none(), |figure| levels[level(figure).min(levels.len() - 1)])
    };
    figures.iter().map(mark).collect()
}

/// A row of a histogram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bin {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) count: usize,
    pub(super) bar: String,
}

/// How many figures lie in each of some like spans, with bars of `columns` at most. Nothing where they are all alike.
pub(super) fn histogram(figures: &[u64], rows: u64, columns: usize, ink: Ink) -> Vec<Bin> {
    let (Some(&least), Some(&most)) = (figures.iter().min(), figures.iter().max()) else { return Vec::new() };
    if most - least < (most / 100).max(10) || rows == 0 {
        return Vec::new();
    }
    let step = (most - least).div_ceil(rows).max(1);
    let mut bins: Vec<Bin> = (0..rows)
        .map(|row| Bin {
            from: least + row * step,
            to: least + (row + 1) * step,
            count: 0,
            bar: String::new(),
        })
        .take_while(|bin| bin.from <= most)
        .collect();
    for figure in figures {
        let at = usize::try_from((figure - least) / step).unwrap_or(0).min(bins.len() - 1);
        bins[at].count += 1;
    }
    let highest = bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1);
    for bin in &mut bins {
        let width = if highest <= columns { bin.count } else { (bin.count * columns).div_ceil(highest) };
        bin.bar = std::iter::repeat_n(ink.bar(), width).collect();
    }
    bins
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_is_the_highest_and_what_is_not_known_is_no_bar() {
        let figures = [Some(20_000), Some(20_100), None, Some(25_000), Some(22_500)];
        assert_eq!(bars(&figures, Ink::Blocks), "▁▁×█▅");
        assert_eq!(bars(&figures, Ink::Ascii), "__x#=");
        assert_eq!(bars(&[Some(7), Some(7)], Ink::Blocks), "▄▄");
        assert_eq!(bars(&[None], Ink::Ascii), "x");
    }

    #[test]
    fn a_histogram_counts_all() {
        let bins = histogram(&[100, 101, 102, 150, 199, 200], 4, 20, Ink::Ascii);
        let told: Vec<_> = bins.iter().map(|bin| (bin.from, bin.count, bin.bar.as_str())).collect();
        assert_eq!(told, [(100, 3, "###"), (125, 0, ""), (150, 1, "#"), (175, 2, "##")]);
        assert!(histogram(&[5, 5, 5], 4, 20, Ink::Ascii).is_empty());
    }

    proptest! {
        #[test]
        fn pictures_show_every_figure(figures in proptest::collection::vec(proptest::option::of(0_u64..400_000), 0..120)) {
            prop_assert_eq!(bars(&figures, Ink::Blocks).chars().count(), figures.len());
            let known: Vec<u64> = figures.iter().flatten().copied().collect();
            let bins = histogram(&known, 8, 30, Ink::Blocks);
            prop_assert!(bins.len() <= 8);
            if !bins.is_empty() {
                prop_assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), known.len());
                prop_assert!(bins.iter().all(|bin| bin.bar.chars().count() <= 30 && (bin.count == 0) == bin.bar.is_empty()));
            }
        }
    }
}
