use std::collections::HashMap;

use crate::{error::ReadProblem, limits::MAX_OBJECTS, pickle::object::ObjectId};

/// Stack of a pickle's machine, with its marks, and the memo that objects are recalled from.
#[derive(Default)]
pub(super) struct ObjectStack {
    ids: Vec<ObjectId>,
    /// Heights of the stack at its marks.
    marks: Vec<usize>,
    memo: HashMap<u32, ObjectId>,
}

impl ObjectStack {
    pub(super) fn push(&mut self, id: ObjectId) -> Result<(), ReadProblem> {
        check(self.ids.len())?;
        self.ids.push(id);
        Ok(())
    }

    /// Returns the topmost object above the last mark.
    pub(super) fn top(&self) -> Result<ObjectId, ReadProblem> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let top = self.ids.last().copied().filter(|_| self.ids.len() > floor);
        top.ok_or_else(|| damaged("takes from an empty stack"))
    }

    pub(super) fn pop(&mut self) -> Result<ObjectId, ReadProblem> {
        let top = self.top()?;
        self.ids.pop();
        Ok(top)
    }

    pub(super) fn mark(&mut self) -> Result<(), ReadProblem> {
        check(self.marks.len())?;
        self.marks.push(self.ids.len());
        Ok(())
    }

    /// Takes the last mark and what is above it.
    pub(super) fn pop_mark(&mut self) -> Result<Vec<ObjectId>, ReadProblem> {
        let mark = self.marks.pop().ok_or_else(|| damaged("lacks a mark on its stack"))?;
        // Not `split_off`, which may hand over the whole capacity of the stack.
        Ok(self.ids.drain(mark..).collect())
    }

    /// Stores the topmost object in a place of the memo.
    pub(super) fn put(&mut self, place: u32) -> Result<(), ReadProblem> {
        check(self.memo.len())?;
        self.memo.insert(place, self.top()?);
        Ok(())
    }

    /// Stores the topmost object in the next place.
    pub(super) fn memoize(&mut self) -> Result<(), ReadProblem> {
        self.put(self.memo.len() as u32)
    }

    /// Pushes what is stored in a place.
    pub(super) fn recall(&mut self, place: u32) -> Result<(), ReadProblem> {
        let id = self.memo.get(&place).copied();
        self.push(id.ok_or_else(|| damaged("recalls what it has not stored"))?)
    }
}

fn damaged(problem: &str) -> ReadProblem {
    ReadProblem::damaged(format!("its pickle {problem}"))
}

/// Checks that the stack, the marks or the memo may take one more.
fn check(length: usize) -> Result<(), ReadProblem> {
    match length < MAX_OBJECTS {
        true => Ok(()),
        false => Err(ReadProblem::TooLarge(format!("its pickle stacks more than {MAX_OBJECTS} objects"))),
    }
}
