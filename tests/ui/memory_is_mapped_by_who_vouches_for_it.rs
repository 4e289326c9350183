//! A device reaches mapped memory by itself, so who maps it promises what it is and how it is used.

fn mapped(client: &pjrt::Client) {
    client.dma_map(vec![0u8; 4096]).unwrap();
}

fn main() {
    let _ = mapped;
}
