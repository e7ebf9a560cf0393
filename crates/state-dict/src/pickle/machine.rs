use std::io::Read;

use crate::{
    error::{ReadProblem, shown},
    pickle::{
        calls,
        input::PickleInput,
        object::{Object, ObjectId, Objects},
        stack::ObjectStack,
    },
};

/// Newest protocol of pickles, that of Python 3.8 and later.
const NEWEST_PROTOCOL: u8 = 5;

/// Outcome of a pickle.
#[derive(Debug)]
pub(crate) struct Unpickled {
    pub(crate) objects: Objects,
    /// Object that the pickle returns.
    pub(crate) root: ObjectId,
}

/// Stack machine of pickles of the protocols 2 to 5, without anything that could be executed.
#[derive(Default)]
struct PickleMachine {
    objects: Objects,
    stack: ObjectStack,
}

/// Runs one pickle to its end.
pub(crate) fn run<R: Read>(input: &mut PickleInput<'_, R>) -> Result<Unpickled, ReadProblem> {
    let mut machine = PickleMachine::default();
    loop {
        if let Some(root) = machine.step(input)? {
            return Ok(Unpickled { objects: machine.objects, root });
        }
    }
}

impl PickleMachine {
    /// Executes an instruction; returns the object that the last one leaves. Letters and numbers as in Python's `pickletools`.
    fn step<R: Read>(&mut self, input: &mut PickleInput<'_, R>) -> Result<Option<ObjectId>, ReadProblem> {
        match input.byte()? {
            // PROTO, FRAME, STOP.
            0x80 => match input.byte()? {
                0..=NEWEST_PROTOCOL => {}
                _ => return Err(damaged("has a protocol that Python does not know")),
            },
            0x95 => drop(input.array::<8>()?),
            b'.' => return Ok(Some(self.stack.pop()?)),
            // MARK, POP, POP_MARK, DUP.
            b'(' => self.stack.mark()?,
            b'0' => drop(self.stack.pop()?),
            b'1' => drop(self.stack.pop_mark()?),
            b'2' => {
                let top = self.stack.top()?;
                self.stack.push(top)?;
            }
            // NONE, NEWTRUE, NEWFALSE, BINFLOAT.
            b'N' => self.push(Object::None)?,
            0x88 | 0x89 => self.push(Object::Plain)?,
            b'G' => {
                input.array::<8>()?;
                self.push(Object::Plain)?;
            }
            // BININT, BININT1, BININT2, LONG1, LONG4.
            b'J' => self.push(Object::Integer(i32::from_le_bytes(input.array()?).into()))?,
            b'K' => self.push(Object::Integer(input.byte()?.into()))?,
            b'M' => self.push(Object::Integer(u16::from_le_bytes(input.array()?).into()))?,
            0x8a => {
                let length = input.byte()?;
                self.push(Object::integer(input.bytes(length.into())?))?;
            }
            0x8b => {
                let length = u32::from_le_bytes(input.array()?);
                self.push(Object::integer(input.bytes(length.into())?))?;
            }
            // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8; BINSTRING, SHORT_BINSTRING of Python 2.
            b'X' | b'T' => {
                let length = u32::from_le_bytes(input.array()?);
                self.push(Object::text(input.bytes(length.into())?))?;
            }
            0x8c | b'U' => {
                let length = input.byte()?;
                self.push(Object::text(input.bytes(length.into())?))?;
            }
            0x8d => {
                let length = u64::from_le_bytes(input.array()?);
                self.push(Object::text(input.bytes(length)?))?;
            }
            // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8.
            b'B' => {
                let length = u32::from_le_bytes(input.array()?);
                input.bytes(length.into())?;
                self.push(Object::Plain)?;
            }
            b'C' => {
                let length = input.byte()?;
                input.bytes(length.into())?;
                self.push(Object::Plain)?;
            }
            0x8e | 0x96 => {
                let length = u64::from_le_bytes(input.array()?);
                input.bytes(length)?;
                self.push(Object::Plain)?;
            }
            // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET.
            b'q' => {
                let place = input.byte()?;
                self.stack.put(place.into())?;
            }
            b'r' => {
                let place = u32::from_le_bytes(input.array()?);
                self.stack.put(place)?;
            }
            0x94 => self.stack.memoize()?,
            b'h' => {
                let place = input.byte()?;
                self.stack.recall(place.into())?;
            }
            b'j' => {
                let place = u32::from_le_bytes(input.array()?);
                self.stack.recall(place)?;
            }
            code => self.step_objects(code, input)?,
        }
        Ok(None)
    }

    /// Executes an instruction of containers, names and calls.
    fn step_objects<R: Read>(&mut self, code: u8, input: &mut PickleInput<'_, R>) -> Result<(), ReadProblem> {
        match code {
            // EMPTY_TUPLE, TUPLE, TUPLE1, TUPLE2, TUPLE3.
            b')' => self.push(Object::Tuple(Box::default()))?,
            b't' => {
                let items = self.stack.pop_mark()?;
                self.push_tuple(items)?;
            }
            0x85..=0x87 => {
                let mut items = vec![self.stack.pop()?];
                for _ in 0x85..code {
                    items.insert(0, self.stack.pop()?);
                }
                self.push_tuple(items)?;
            }
            // EMPTY_LIST, LIST, APPEND, APPENDS.
            b']' => self.push(Object::List(Vec::new()))?,
            b'l' => {
                let items = self.stack.pop_mark()?;
                self.objects.count(items.len())?;
                self.push(Object::List(items))?;
            }
            b'a' => {
                let item = self.stack.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.stack.pop_mark()?;
                self.append(items)?;
            }
            // EMPTY_DICT, DICT, SETITEM, SETITEMS.
            b'}' => self.push(Object::Dict(Vec::new()))?,
            b'd' => {
                let items = self.stack.pop_mark()?;
                self.push(Object::Dict(Vec::new()))?;
                self.insert(&items)?;
            }
            b's' => {
                let value = self.stack.pop()?;
                let key = self.stack.pop()?;
                self.insert(&[key, value])?;
            }
            b'u' => {
                let items = self.stack.pop_mark()?;
                self.insert(&items)?;
            }
            // GLOBAL, STACK_GLOBAL, INST.
            b'c' | b'i' => {
                let (module, name) = (input.line()?, input.line()?);
                let found = calls::named(&mut self.objects, &module, &name)?;
                match code {
                    b'c' => self.stack.push(found)?,
                    _ => return Err(ReadProblem::AsksFor(shown(&format!("{module}.{name}")))),
                }
            }
            0x93 => {
                let (name, module) = (self.stack.pop()?, self.stack.pop()?);
                let (Some(module), Some(name)) = (self.objects.text(module), self.objects.text(name)) else {
                    return Err(damaged("names something by what is no text"));
                };
                let (module, name) = (module.to_owned(), name.to_owned());
                let found = calls::named(&mut self.objects, &module, &name)?;
                self.stack.push(found)?;
            }
            // REDUCE, BUILD, BINPERSID.
            b'R' => {
                let (arguments, callee) = (self.stack.pop()?, self.stack.pop()?);
                let made = calls::call(&mut self.objects, callee, arguments)?;
                self.stack.push(made)?;
            }
            b'b' => {
                self.stack.pop()?;
                let target = self.stack.top()?;
                calls::build(&self.objects, target)?;
            }
            b'Q' => {
                let id = self.stack.pop()?;
                let storage = calls::persistent(&mut self.objects, id)?;
                self.stack.push(storage)?;
            }
            // EXT1, EXT2, EXT4: numbers that a Python program has given to classes.
            0x82..=0x84 => return Err(ReadProblem::AsksFor("a class of copyreg's registry".to_owned())),
            // NEWOBJ, OBJ, NEWOBJ_EX: classes that are known are made by REDUCE.
            0x81 | 0x92 | b'o' => return Err(damaged("makes an object in another way than PyTorch")),
            code => {
                let problem = format!("holds the byte 0x{code:02x} at {}", input.position() - 1);
                return Err(damaged(&format!("{problem}, which is no instruction of `torch.save`")));
            }
        }
        Ok(())
    }

    fn push(&mut self, object: Object) -> Result<(), ReadProblem> {
        let id = self.objects.add(object)?;
        self.stack.push(id)
    }

    fn push_tuple(&mut self, items: Vec<ObjectId>) -> Result<(), ReadProblem> {
        self.objects.count(items.len())?;
        self.push(Object::Tuple(items.into()))
    }

    fn append(&mut self, items: Vec<ObjectId>) -> Result<(), ReadProblem> {
        self.objects.count(items.len())?;
        let list = self.stack.top()?;
        match self.objects.get_mut(list) {
            Object::List(list) => list.extend(items),
            _ => return Err(damaged("appends to what is no list")),
        }
        Ok(())
    }

    /// Inserts keys and values, which take turns, into the dict on top of the stack.
    fn insert(&mut self, items: &[ObjectId]) -> Result<(), ReadProblem> {
        self.objects.count(items.len())?;
        let (pairs, rest) = items.as_chunks();
        let dict = self.stack.top()?;
        match self.objects.get_mut(dict) {
            Object::Dict(dict) if rest.is_empty() => {
                dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
            }
            _ => return Err(damaged("inserts into what is no dict, or a key without a value")),
        }
        Ok(())
    }
}

fn damaged(problem: &str) -> ReadProblem {
    ReadProblem::damaged(format!("its pickle {problem}"))
}
