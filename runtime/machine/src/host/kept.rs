//! Values that code outside of the heap refers to by number.

use crate::memory::value::Value;

/// The kept values. A number that has been released is given out again, so the table is as long as the
/// most values that were kept at one time.
#[derive(Default)]
pub struct Kept {
    values: Vec<Value>,
    /// Numbers without a value.
    free: Vec<u32>,
}

impl Kept {
    /// Keeps a value and gives its number.
    pub(super) fn add(&mut self, value: Value) -> u32 {
        if let Some(number) = self.free.pop()
            && let Some(place) = self.values.get_mut(number as usize)
        {
            *place = value;
            return number;
        }
        self.values.push(value);
        self.values.len() as u32 - 1
    }

    /// The value with this number; nil if there is none.
    pub(super) fn get(&self, number: u32) -> Value {
        let value = self.values.get(number as usize);
        value.copied().unwrap_or(Value::NIL)
    }

    /// Keeps the value no longer. Each number must be released at most once.
    pub(super) fn release(&mut self, number: u32) {
        if let Some(place) = self.values.get_mut(number as usize) {
            *place = Value::NIL;
            self.free.push(number);
        }
    }

    /// The values, for the collector.
    pub(crate) fn values(&mut self) -> &mut [Value] {
        &mut self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_numbers_are_given_out_again() {
        let mut kept = Kept::default();
        let numbers: Vec<u32> = (0..3).map(|i| kept.add(Value::small(i))).collect();
        kept.release(numbers[1]);
        assert_eq!(kept.get(numbers[1]), Value::NIL);
        assert_eq!(kept.add(Value::small(7)), numbers[1]);
        assert_eq!(kept.get(numbers[1]), Value::small(7));
        assert_eq!(kept.add(Value::small(8)), 3);
        assert_eq!(kept.values().len(), 4);
        kept.release(99);
        assert_eq!(kept.add(Value::small(9)), 4);
    }
}
