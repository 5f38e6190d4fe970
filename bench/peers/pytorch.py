"""PyTorch as a measured process, one thread: training steps, float matrix products and convolutions.

Speaks the protocol of ../process/protocol.ts on standard input and output.
"""
import base64
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)

DTYPES = {"f32": torch.float32, "i32": torch.int32, "i8": torch.int8, "u8": torch.uint8}
TIMED_SECONDS = 0.0002
CHECKED_STEPS = 3


def revive(value):
    if "$" not in value:
        return value
    data = bytearray(base64.b64decode(value["base64"]))
    return torch.frombuffer(data, dtype=DTYPES[value["$"]])


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def array(tensor):
    data = tensor.detach().to(torch.float32).contiguous().flatten().tolist()
    return {"$": "f32", "base64": base64.b64encode(bytes(torch.tensor(data).numpy().tobytes())).decode()}


def filters(flat, out_channels, kernel, in_channels):
    """OHWI to OIHW."""
    return flat.view(out_channels, kernel, kernel, in_channels).permute(0, 3, 1, 2).contiguous()


def load_gemm(c):
    x = c["x"].view(c["m"], c["k"])
    w = c["w"].view(c["n"], c["k"]).t().contiguous()
    result = {}

    def run():
        result["y"] = torch.mm(x, w)

    return run, lambda: result["y"]


def load_conv(c):
    size, kernel = c["size"], c["kernel"]
    x = c["x"].view(1, size, size, c["inChannels"]).permute(0, 3, 1, 2).contiguous()
    w = filters(c["w"], c["outChannels"], kernel, c["inChannels"] // c["groups"])
    result = {}

    def run():
        result["y"] = F.conv2d(x, w, None, c["stride"], (kernel - 1) // 2, 1, c["groups"])

    return run, lambda: result["y"].permute(0, 2, 3, 1)


def parameters(c):
    """The initial weights in PyTorch's layouts."""
    p = {name: value.clone() for name, value in c["params"].items()}
    shapes = {"fc1": (256, 784), "fc2": (256, 256), "fc3": (10, 256)}
    if c["network"] == "cnn":
        p["conv1.weight"] = filters(p["conv1.weight"], 6, 5, 1)
        p["conv2.weight"] = filters(p["conv2.weight"], 16, 5, 6)
        # Images are flattened as [channels, rows, columns] here, as [rows, columns, channels] there.
        p["fc1.weight"] = p["fc1.weight"].view(120, 25, 16).permute(0, 2, 1).reshape(120, 400)
        shapes = {"fc1": (120, 400), "fc2": (84, 120), "fc3": (10, 84)}
    for name, shape in shapes.items():
        p[f"{name}.weight"] = p[f"{name}.weight"].reshape(shape)
    return {name: value.contiguous().requires_grad_() for name, value in p.items()}


def load_train(c):
    p = parameters(c)
    cnn = c["network"] == "cnn"
    batch = c["batch"]
    x = c["x"].view(batch, 1, 28, 28) if cnn else c["x"].view(batch, 784)
    targets = c["targets"].long()
    optimizer = torch.optim.SGD(p.values(), lr=c["lr"])

    def forward():
        h = x
        if cnn:
            h = F.max_pool2d(F.relu(F.conv2d(h, p["conv1.weight"], p["conv1.bias"], padding=2)), 2)
            h = F.max_pool2d(F.relu(F.conv2d(h, p["conv2.weight"], p["conv2.bias"])), 2).flatten(1)
        h = F.relu(F.linear(h, p["fc1.weight"], p["fc1.bias"]))
        h = F.relu(F.linear(h, p["fc2.weight"], p["fc2.bias"]))
        return F.linear(h, p["fc3.weight"], p["fc3.bias"])

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(forward(), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    losses = torch.tensor([run() for _ in range(CHECKED_STEPS)])
    return run, lambda: losses


LOADERS = {"gemm": load_gemm, "conv": load_conv, "train": load_train}


def load(c):
    if c["dtype"] != "f32" or c["kind"] not in LOADERS:
        return {"is": "unsupported", "why": "only float layers and training are measured here"}, None
    with torch.set_grad_enabled(c["kind"] == "train"):
        run, output = LOADERS[c["kind"]](c)
        run()
        return {"is": "loaded", "output": array(output())}, run


def repetitions(run):
    count = 1
    while True:
        start = time.perf_counter()
        for _ in range(count):
            run()
        if time.perf_counter() - start >= TIMED_SECONDS:
            return count
        count *= 2


def sample(run, repeat, ms, cpu):
    now = time.process_time if cpu else time.perf_counter
    times = []
    start = now()
    while not times or now() - start < ms / 1000:
        began = now()
        for _ in range(repeat):
            run()
        times.append((now() - began) / repeat * 1000)
    return statistics.median(times)


def version():
    """With the BLAS that was loaded: Debian's PyTorch takes the one of the system, and the reference is 20 times slower."""
    torch.mm(torch.ones(8, 8), torch.ones(8, 8))
    with open("/proc/self/maps") as maps:
        fast = "openblas" in maps.read()
    return torch.__version__ + (" with OpenBLAS" if fast else " with the reference BLAS; install libopenblas0")


def main():
    send({"is": "ready", "threads": 1, "version": version()})
    run, repeat = None, 0
    for line in sys.stdin:
        request = json.loads(line, object_hook=revive)
        try:
            if request["do"] == "load":
                reply, run = load(request["case"])
                repeat = 0
            elif request["do"] == "unload":
                reply, run = {"is": "unloaded"}, None
            else:
                repeat = repeat or repetitions(run)
                reply = {"is": "sampled", "ms": sample(run, repeat, request["ms"], request["cpu"])}
        except Exception as error:  # whatever it is, the other side has to know
            reply = {"is": "failed", "why": str(error)}
        send(reply)


main()
