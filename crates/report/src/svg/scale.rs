/// Scale of an axis: converts a number to its position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
}

/// Tick of an axis: its value, and its label.
pub(crate) type Tick = (f64, String);

impl Scale {
    /// Makes a linear scale: `low` is drawn at `from` and `high` at `to`.
    pub(crate) fn linear(low: f64, high: f64, from: f64, to: f64) -> Self {
        // An axis of one value gets room above it.
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, from, to, logarithmic: false }
    }

    /// Makes a linear scale from 0 to 1.
    pub(crate) fn share(from: f64, to: f64) -> Self {
        Self::linear(0.0, 1.0, from, to)
    }

    /// Makes a scale of values of 0 or above: linear from 0, or logarithmic where the largest is more than thirty times the
    /// smallest.
    pub(crate) fn of_losses(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values {
            low = low.min(value.max(1e-7));
            high = high.max(value);
        }
        if low.is_finite() && high / low > 30.0 {
            let [low, high] = [(low * 0.9).log10(), (high * 1.1).log10()].map(|power| 10_f64.powf(power));
            return Self { low, high, from, to, logarithmic: true };
        }
        Self::linear(0.0, if high > 0.0 { high * 1.05 } else { 1.0 }, from, to)
    }

    /// Returns the position of a value; beyond the ends, the end.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = match self.logarithmic {
            true => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        self.from + (self.to - self.from) * share.clamp(0.0, 1.0)
    }

    /// Returns the ends in pixels.
    pub(crate) fn ends(&self) -> [f64; 2] {
        [self.from, self.to]
    }

    pub(crate) fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// Returns about so many ticks at round values within the axis.
    pub(crate) fn ticks(&self, about: usize) -> Vec<Tick> {
        if self.logarithmic {
            self.powers()
        } else {
            self.steps((self.high - self.low) / about.max(1) as f64)
        }
    }

    /// Returns ticks at whole numbers only.
    pub(crate) fn whole_ticks(&self, about: usize) -> Vec<Tick> {
        self.steps(((self.high - self.low) / about.max(1) as f64).max(1.0))
    }

    /// Returns ticks at multiples of the next 1, 2 or 5 times a power of ten.
    fn steps(&self, at_least: f64) -> Vec<Tick> {
        let power = 10_f64.powf(at_least.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power);
        let step = step.into_iter().find(|step| *step >= at_least * (1.0 - 1e-9)).unwrap_or(10.0 * power);
        let decimals = (-step.log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize;
        let first = (self.low / step - 1e-9).ceil();
        let count = ((self.high / step + 1e-9).floor() - first).clamp(0.0, 100.0) as usize;
        let value = |n: usize| (first + n as f64) * step;
        (0..=count).map(value).map(|value| (value, format!("{value:.decimals$}"))).collect()
    }

    /// Returns ticks at powers of ten, with 2 and 5 times them where there are few.
    fn powers(&self) -> Vec<Tick> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let factors: &[f64] = if last - first > 3 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let values = (first..=last)
            .flat_map(|power| factors.iter().map(move |factor| (power, factor * 10_f64.powi(power))));
        let within = values.filter(|(_, value)| (self.low..=self.high).contains(value));
        within.map(|(power, value)| (value, format!("{value:.*}", (-power).max(0) as usize))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(ticks: Vec<Tick>) -> Vec<String> {
        ticks.into_iter().map(|(_, word)| word).collect()
    }

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        assert_eq!(words(Scale::share(0.0, 100.0).ticks(5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(words(Scale::linear(0.0, 3.3, 0.0, 100.0).ticks(5)), ["0", "1", "2", "3"]);
        assert_eq!(words(Scale::linear(1.0, 32.0, 0.0, 100.0).whole_ticks(6)), ["10", "20", "30"]);
        assert_eq!(words(Scale::linear(1.0, 3.0, 0.0, 100.0).whole_ticks(6)), ["1", "2", "3"]);
        assert_eq!(
            words(Scale::linear(0.0, 0.04, 0.0, 1.0).ticks(4)),
            ["0.00", "0.01", "0.02", "0.03", "0.04"]
        );
    }

    #[test]
    fn values_lie_where_they_should() {
        let scale = Scale::linear(0.0, 4.0, 200.0, 0.0);
        assert_eq!([0.0, 1.0, 4.0, 9.0, -1.0].map(|value| scale.at(value)), [200.0, 150.0, 0.0, 0.0, 200.0]);
        // An axis of one value is no division by zero.
        assert_eq!(Scale::linear(1.0, 1.0, 0.0, 10.0).at(1.0), 0.0);
    }

    #[test]
    fn losses_that_lie_far_apart_are_drawn_in_powers() {
        let near = Scale::of_losses([3.0, 0.3].into_iter(), 100.0, 0.0);
        assert!(!near.is_logarithmic() && near.at(0.0) == 100.0);
        let far = Scale::of_losses([40.0, 0.1, 0.0].into_iter(), 100.0, 0.0);
        assert!(far.is_logarithmic() && far.at(0.0).is_finite());
        let far = Scale::of_losses([40.0, 0.1].into_iter(), 100.0, 0.0);
        assert_eq!(words(far.ticks(5)), ["0.1", "1", "10"]);
        let none = Scale::of_losses([0.0].into_iter(), 100.0, 0.0);
        assert_eq!(none.at(0.0), 100.0);
    }
}
