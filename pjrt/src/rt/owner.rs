//! Counted ownership of a plugin's object, and of what must outlive it.

use super::{Api, Handle, reaper};
use std::any::Any;
use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

type Destroy = unsafe fn(&'static Api, NonNull<c_void>);

/// Keeps an object of a plugin alive, and whatever that object needs.
#[derive(Clone)]
pub struct Owner(Arc<Node>);

struct Node {
    api: &'static Api,
    object: NonNull<c_void>,
    destroy: Option<Destroy>,
    parent: Option<Owner>,
    /// A second parent.
    _also: Option<Owner>,
    /// The client that the object belongs to: its address, only ever compared.
    client: Option<NonNull<c_void>>,
    /// An answer about the object that is asked for once.
    answer: OnceLock<Box<dyn Any + Send + Sync>>,
    /// What the plugin may use until the object is destroyed.
    lent: OnceLock<Box<dyn Any + Send + Sync>>,
}

// SAFETY: the object is reached through its handles, whose types say what other threads may do;
// the node itself only destroys it, which PJRT allows on any thread.
unsafe impl Send for Node {}
// SAFETY: as above; nothing in the node changes but what is set once, which has its own lock.
unsafe impl Sync for Node {}

impl Owner {
    /// Takes an object over.
    ///
    /// # Safety
    ///
    /// The object is live, of the handle's type, and nobody else destroys it.
    pub(crate) unsafe fn new<H: Handle>(
        api: &'static Api,
        object: NonNull<H::Raw>,
        parent: Option<Owner>,
    ) -> Owner {
        let object: NonNull<c_void> = object.cast();
        let client = if H::ROOT {
            Some(object)
        } else {
            parent.as_ref().and_then(Owner::client)
        };
        Owner(Arc::new(Node {
            api,
            object,
            destroy: Some(destroy::<H>),
            parent,
            _also: None,
            client,
            answer: OnceLock::new(),
            lent: OnceLock::new(),
        }))
    }

    /// Stands for an object that somebody else destroys.
    pub(crate) fn of_others<H: Handle>(
        api: &'static Api,
        object: NonNull<H::Raw>,
        parent: Option<Owner>,
    ) -> Owner {
        let object: NonNull<c_void> = object.cast();
        let client = if H::ROOT {
            Some(object)
        } else {
            parent.as_ref().and_then(Owner::client)
        };
        Owner(Arc::new(Node {
            api,
            object,
            destroy: None,
            parent,
            _also: None,
            client,
            answer: OnceLock::new(),
            lent: OnceLock::new(),
        }))
    }

    /// Keeps two owners, and with them what they keep. The one that belongs to a client says which
    /// client that is; where both do, it is the first one's.
    pub(crate) fn both(first: Owner, second: Owner) -> Owner {
        let (first, second) = if first.client().is_some() {
            (first, second)
        } else {
            (second, first)
        };
        Owner(Arc::new(Node {
            api: first.api(),
            object: first.0.object,
            destroy: None,
            client: first.client(),
            parent: Some(first),
            _also: Some(second),
            answer: OnceLock::new(),
            lent: OnceLock::new(),
        }))
    }

    /// An owner that looks the same and keeps nothing.
    #[cfg(pjrt_mutants)]
    pub(crate) fn of_nothing(&self) -> Owner {
        Owner(Arc::new(Node {
            api: self.api(),
            object: self.0.object,
            destroy: None,
            parent: None,
            _also: None,
            client: self.client(),
            answer: OnceLock::new(),
            lent: OnceLock::new(),
        }))
    }

    /// Whether this is the only handle: nobody else has the object or anything that needs it.
    pub(crate) fn is_only(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// The plugin.
    pub fn api(&self) -> &'static Api {
        self.0.api
    }

    /// Address of the client that the object belongs to.
    pub fn client(&self) -> Option<NonNull<c_void>> {
        self.0.client
    }

    /// The answer of this type that was kept, if one was.
    pub(crate) fn cached<T: Any>(&self) -> Option<&T> {
        self.0.answer.get()?.downcast_ref()
    }

    /// Keeps an answer; the first one stays. It must not hold the object itself, which would then
    /// never be destroyed.
    pub(crate) fn cache<T: Any + Send + Sync>(&self, answer: T) {
        let _ = self.0.answer.set(Box::new(answer));
    }

    /// Keeps what the plugin may use until the object is destroyed; the first one stays.
    pub(crate) fn lend(&self, lent: Box<dyn Any + Send + Sync>) {
        let _ = self.0.lent.set(lent);
    }

    /// The owner of that client: this one or one of its parents.
    pub(crate) fn client_owner(&self) -> Option<Owner> {
        let client = self.0.client?;
        let mut owner = self;
        while owner.0.object != client {
            owner = owner.0.parent.as_ref()?;
        }
        Some(owner.clone())
    }
}

unsafe fn destroy<H: Handle>(api: &'static Api, object: NonNull<c_void>) {
    // SAFETY: the node was made for an object of this type.
    unsafe { H::destroy(api, object.cast()) }
}

impl Drop for Node {
    fn drop(&mut self) {
        let Some(destroy) = self.destroy.take() else {
            return;
        };
        let task = Task {
            api: self.api,
            object: self.object,
            destroy,
            parent: self.parent.take(),
            lent: self.lent.take(),
        };
        reaper::destroy(move || task.run());
    }
}

/// A destruction on its way to the thread that does it.
struct Task {
    api: &'static Api,
    object: NonNull<c_void>,
    destroy: Destroy,
    parent: Option<Owner>,
    lent: Option<Box<dyn Any + Send + Sync>>,
}

// SAFETY: as for the node: destroying is allowed on any thread.
unsafe impl Send for Task {}

impl Task {
    fn run(self) {
        // SAFETY: the last reference is gone, so nobody uses the object; its parent still lives.
        unsafe { (self.destroy)(self.api, self.object) };
        drop(self.lent);
        drop(self.parent);
    }
}

/// Passes the destruction of an object that is not counted to the right thread.
///
/// # Safety
///
/// The object is live, and nobody uses it after this.
pub(crate) unsafe fn destroy_object<H: Handle>(
    api: &'static Api,
    object: NonNull<H::Raw>,
    parent: Option<Owner>,
) {
    let task = Task {
        api,
        object: object.cast(),
        destroy: destroy::<H>,
        parent,
        lent: None,
    };
    reaper::destroy(move || task.run());
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").finish_non_exhaustive()
    }
}
