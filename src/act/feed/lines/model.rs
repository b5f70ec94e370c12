//! The book of lines between a writer and readers that somebody chooses, byte by byte: no line may
//! be lost, given twice, invented, or torn by a recycle. For the fuzzer, too.

use super::Lines;

/// What a pipe holds here: little, so that lines are begun and not ended.
const PIPE: usize = 16;

/// Choices out of bytes; where they end, all are 0.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit.max(1)
    }
}

/// Both sides of the book.
struct World {
    lines: Lines,
    longest: usize,
    /// All that was written.
    input: Vec<u8>,
    pipe: Vec<u8>,
    closed: bool,
    /// What the generations have read, all together, without what was given back.
    taken: Vec<u8>,
    /// What this one has read of a line that it has not read whole.
    begun: Vec<u8>,
    /// That line is too long, and was let go of.
    headless: bool,
    /// Whole lines that it has read since its pipe was empty when more came.
    lately: u64,
    /// A recycle was begun.
    cut: bool,
}

impl World {
    fn new(longest: usize) -> Self {
        Self {
            lines: Lines::new(longest).unwrap(),
            longest,
            input: Vec::new(),
            pipe: Vec::new(),
            closed: false,
            taken: Vec::new(),
            begun: Vec::new(),
            headless: false,
            lately: 0,
            cut: false,
        }
    }

    fn read_input(&mut self, chunk: &[u8]) {
        if !self.lines.wants_more() {
            return;
        }
        self.lines.note_unread(self.pipe.len());
        let room = self.lines.room();
        let count = chunk.len().min(room.len());
        assert!(count == chunk.len(), "there is room for what a pipe holds");
        room[..count].copy_from_slice(&chunk[..count]);
        self.lines.add(count);
        self.input.extend(chunk);
    }

    fn end_input(&mut self) {
        if self.lines.wants_more() {
            self.lines.end();
        }
    }

    fn hand_over(&mut self) {
        if !self.closed && !self.lines.next().is_empty() {
            if self.pipe.is_empty() {
                self.lines.note_empty();
                self.lately = 0;
            }
            let bytes = self.lines.next();
            let count = bytes.len().min(PIPE - self.pipe.len());
            self.pipe.extend(&bytes[..count]);
            self.lines.hand(count);
        }
        self.closed |= self.lines.is_through();
    }

    fn take(&mut self, count: usize) {
        let count = count.min(self.pipe.len());
        for byte in self.pipe.drain(..count) {
            self.begun.push(byte);
            if byte == b'\n' {
                self.taken.append(&mut self.begun);
                self.lately += 1;
                self.headless = false;
            } else if self.headless || self.begun.len() > self.longest {
                // Of a line that is too long nobody can give anything back.
                self.taken.append(&mut self.begun);
                self.headless = true;
            }
        }
    }

    /// The generation reads to the end of its input, which a recycle has closed.
    fn drain(&mut self) {
        self.cut = true;
        self.lines.cut();
        while !self.closed {
            let before = (self.pipe.len(), self.lines.next().len());
            self.hand_over();
            self.take(PIPE);
            if before == (0, 0) && !self.closed {
                // A line that is too long goes on, and nothing is recycled inside it.
                assert!(!self.lines.is_cut(), "what is cut comes to an end");
                return;
            }
        }
        self.take(PIPE);
        let torn = self.begun.last().or(self.taken.last()).is_some_and(|last| *last != b'\n');
        assert!(!torn || self.lines.has_ended(), "a line is torn");
        self.end_generation();
    }

    /// The generation is gone, however it went.
    fn end_generation(&mut self) {
        let whole = self.lines.has_ended() && self.pipe.is_empty() && self.is_all_handed();
        if whole && (self.headless || !self.begun.is_empty()) {
            // The last line needs no end.
            self.taken.append(&mut self.begun);
            self.headless = false;
            self.lately += 1;
        }
        let told = self.lines.take_back(self.pipe.len());
        assert!(told == self.lately, "had taken {}, and not {told}", self.lately);
        self.pipe.clear();
        self.begun.clear();
        (self.closed, self.lately, self.cut) = (false, 0, false);
    }

    fn is_all_handed(&self) -> bool {
        self.taken.len() + self.begun.len() == self.input.len()
    }

    fn check(&self) {
        assert!(self.input.starts_with(&self.taken), "lost, given twice or invented");
        let given = self.taken.len() + self.begun.len() + self.pipe.len();
        assert!(given <= self.input.len(), "invented");
    }
}

/// Lives through what was chosen.
pub(crate) fn live_as_chosen(bytes: &[u8]) {
    let mut choices = Choices(bytes.iter());
    let longest = [1, 5, 40, 200][choices.below(4)];
    let mut world = World::new(longest);
    while choices.0.len() > 0 {
        match choices.below(16) {
            0..=4 => {
                let chunk: Vec<u8> = (0..choices.below(60))
                    .map(|_| [b'\n', b'a', b'\r', 0, 255, b'b'][choices.below(6)])
                    .collect();
                world.read_input(&chunk);
            }
            5 => world.read_input(&vec![b'x'; choices.below(256) * 3]),
            6..=8 => world.hand_over(),
            9..=11 => {
                let count = choices.below(20);
                world.take(count);
            }
            12 => world.drain(),
            13 => world.end_generation(),
            14 if choices.below(8) == 0 => world.end_input(),
            _ => {
                world.hand_over();
                world.take(PIPE);
            }
        }
        world.check();
    }
    finish(world);
}

/// The last generation reads to the end.
fn finish(mut world: World) {
    while !(world.lines.has_ended() && world.closed && !world.cut) {
        world.end_input();
        world.hand_over();
        world.take(PIPE);
        if world.cut && world.closed && world.pipe.is_empty() {
            world.end_generation();
        }
    }
    world.take(PIPE);
    let spent = world.lines.is_spent(world.pipe.len());
    world.end_generation();
    assert!(spent, "nothing is left, and nobody knows");
    assert!(world.taken == world.input, "lost at the end");
}
