//! Names that pickles ask for, and what is said of them.

use super::{decoded, refusal};
use crate::tests::files::{Pickle, Written, counting, stream, zip};

/// File of both forms whose object is this pickle.
fn both(pickle: &Pickle) -> [Vec<u8>; 2] {
    let pickle = pickle.clone().end();
    [zip(&pickle, &[]), stream(&pickle, &[])]
}

fn asks_for(pickle: &Pickle, name: &str) -> Option<String> {
    let expected = format!("asks for `{name}`, and only tensors are read from it: nothing was executed");
    let hints = both(pickle).map(|file| {
        assert_eq!(refusal(&file), expected);
        decoded(&file).unwrap_err().hint()
    });
    assert_eq!(hints[0], hints[1]);
    hints[0].clone()
}

const SAVE: &str = "save the weights alone, in Python: `torch.save(model.state_dict(), \"weights.pth\")`";
const TRUST: &str = "name a file from a source that you trust, or one in safetensors form";

#[test]
fn a_pickle_that_would_run_code_is_refused_with_what_it_asks_for() {
    let run = Pickle::new().global("posix", "system").raw(b"X\x04\0\0\0true\x85R");
    assert_eq!(asks_for(&run, "posix.system").as_deref(), Some(TRUST));
    // Behind a tensor, so that the rest looks usual; by STACK_GLOBAL; by INST; by a dotted name.
    let tensor = Written::new("a", "0", 2, &[2], &[1]);
    let later = Pickle::new().raw(b"}(").text("a").tensor(&tensor, b"").text("b");
    asks_for(&later.global("builtins", "eval").text("1").raw(b"\x85Ru"), "builtins.eval");
    let stacked = Pickle::new().raw(b"\x80\x04").text("os").text("system").raw(b"\x93");
    asks_for(&stacked, "os.system");
    asks_for(&Pickle::new().raw(b"(").text("true").raw(b"ios\nsystem\n"), "os.system");
    asks_for(&Pickle::new().global("torch._utils", "sys.modules"), "torch._utils.sys.modules");
    asks_for(&Pickle::new().global("subprocess", "Popen"), "subprocess.Popen");
    asks_for(&Pickle::new().raw(b"(icollections\nOrderedDict\n"), "collections.OrderedDict");
    for extension in [b"\x82\x01".as_slice(), b"\x83\x01\0", b"\x84\x01\0\0\0"] {
        asks_for(&Pickle::new().raw(extension), "a class of copyreg's registry");
    }
}

#[test]
fn a_pickled_network_gets_the_line_that_saves_its_weights() {
    for (module, class) in [
        ("torchvision.models.densenet", "DenseNet"),
        ("torchxrayvision.models", "DenseNet"),
        ("torch.nn.parallel.data_parallel", "DataParallel"),
        ("__main__", "Net"),
        ("numpy.core.multiarray", "scalar"),
    ] {
        let name = format!("{module}.{class}");
        let hint = asks_for(&Pickle::new().global(module, class).raw(b")\x81}b"), &name);
        assert_eq!(hint.as_deref(), Some(SAVE));
    }
    let other = Pickle::new().raw(b"(").text("module").raw(b"tQ");
    for file in both(&other) {
        assert_eq!(refusal(&file), "is damaged: its pickle names a storage in another way than PyTorch");
    }
}

#[test]
fn names_in_messages_are_short_and_on_one_line() {
    let long = "x".repeat(1000);
    let asked = format!("a.{}…", "x".repeat(198));
    asks_for(&Pickle::new().raw(b"\x80\x04").text("a").text(&long).raw(b"\x93"), &asked);
    let control = Pickle::new().raw(b"\x80\x04").text("a\n\u{1b}[2J").text("b").raw(b"\x93");
    let text = refusal(&both(&control)[0]);
    assert!(text.contains("asks for `a\\n") && !text.contains('\u{1b}'), "{text}");
    let line = Pickle::new().raw(b"c").raw(&[b'x'; 5000]);
    assert_eq!(refusal(&both(&line)[0]), "is damaged: its pickle holds a name of more than 4096 bytes");
    assert_eq!(
        refusal(&both(&Pickle::new().raw(b"c\xff\nx\n"))[0]),
        "is damaged: its pickle holds a name that is no UTF-8"
    );
}

#[test]
fn known_names_are_called_in_no_other_way() {
    let wrong = |pickle: Pickle| refusal(&both(&pickle)[0]);
    let ordered_dict = || Pickle::new().global("collections", "OrderedDict");
    let other = "is damaged: its pickle calls `collections.OrderedDict` with other arguments than PyTorch";
    assert_eq!(wrong(ordered_dict().text("x").raw(b"\x85R")), other);
    assert_eq!(
        wrong(Pickle::new().global("torch", "float32").raw(b")R")),
        "is damaged: its pickle calls `torch.float32` with other arguments than PyTorch"
    );
    assert_eq!(wrong(Pickle::new().text("x").raw(b")R")), "is damaged: its pickle calls what is no function");
    assert_eq!(wrong(ordered_dict().raw(b"NR")), "is damaged: its pickle calls without arguments");
    let another = "is damaged: its pickle makes an object in another way than PyTorch";
    assert_eq!(wrong(ordered_dict().raw(b")\x81")), another);
    let attributes = "is damaged: its pickle sets attributes of something other than a dict";
    assert_eq!(wrong(ordered_dict().raw(b"}b")), attributes);
    let tensor = Written::new("a", "0", 2, &[2], &[1]);
    assert_eq!(wrong(Pickle::new().tensor(&tensor, b"").raw(b"}b")), attributes);
    let call = Pickle::new().raw(b"}").text("a").global("torch._utils", "_rebuild_tensor_v2").raw(b"(");
    let call = call.storage(&tensor, b"").integer(0).integers(&[2]).integers(&[1]).raw(b"\x89N}");
    let negative = call.text("neg").raw(b"\x88stRs");
    assert_eq!(wrong(negative), "is damaged: its pickle holds a tensor with a negative or conjugate bit");
}

#[test]
fn several_state_dicts_are_named() {
    let tensor = Written::new("a", "0", 2, &[2], &[1]);
    let tensors = [tensor.clone()];
    let two = Pickle::new()
        .raw(b"}(")
        .text("teacher")
        .tensors(&tensors, b"")
        .text("student")
        .tensors(&tensors, b"");
    let error = decoded(&zip(&two.raw(b"u").end(), &[])).unwrap_err();
    assert_eq!(error.to_string(), "`w.pth` holds several state dicts: `teacher`, `student`");
    let line = r#"`torch.save(torch.load("checkpoint.pth")["teacher"], "weights.pth")`"#;
    assert_eq!(error.hint(), Some(format!("save one of them alone, in Python: {line}")));
    // One dict in two places is one state dict; a dict beside tensors of more than a number is not.
    let numbers = counting(2);
    let same = Pickle::new().raw(b"}(").text("model").tensors(&tensors, b"").raw(b"q\x01").text("ema");
    let state_dict = decoded(&zip(&same.raw(b"h\x01u").end(), &[("0", &numbers)])).unwrap();
    assert_eq!(state_dict.unwrapped(), Some("model"));
    let beside = Pickle::new().raw(b"}(").text("b").tensor(&tensor, b"").text("c").tensors(&tensors, b"");
    assert_eq!(refusal(&zip(&beside.raw(b"u").end(), &[])), "holds several state dicts: `c`, `(the whole)`");
    let deep = Pickle::new().raw(b"}").text("a").raw(b"}").text("b").tensors(&tensors, b"").raw(b"ss");
    assert_eq!(decoded(&zip(&deep.end(), &[("0", &numbers)])).unwrap().unwrapped(), Some("a.b"));
}
