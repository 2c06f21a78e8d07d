// The floor in C#: what TCP costs through System.Net.Sockets, without HTTP and without WebSocket. The same as
// ../floor/floor.c does for `echo`: twelve bytes to begin with, then `out` bytes written for each `in` bytes read.
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Sluice.Bench.Floor;

const int Hello = 12, BufferSize = 1 << 16, MessageLimit = 1 << 25;
using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
listener.Listen(4096);
Console.WriteLine($"listening {((IPEndPoint)listener.LocalEndPoint!).Port}");
while (true) _ = ServeAsync(await listener.AcceptAsync());

static async Task ServeAsync(Socket socket)
{
    await Task.Yield(); // with inline completions the accept loop would end up in here
    using var _ = socket;
    socket.NoDelay = true;
    try
    {
        await EchoAsync(socket);
    }
    catch (SocketException)
    {
        // The client is gone; there is nobody left to tell.
    }
}

static async Task EchoAsync(Socket socket)
{
    var hello = new byte[Hello];
    for (var have = 0; have < Hello;)
    {
        var n = await socket.ReceiveAsync(hello.AsMemory(have));
        if (n == 0) return;
        have += n;
    }

    var size = new MessageSize(BinaryPrimitives.ReadUInt32LittleEndian(hello.AsSpan(4)), BinaryPrimitives.ReadUInt32LittleEndian(hello.AsSpan(8)));
    if (!hello.AsSpan(0, 4).SequenceEqual("echo"u8) || size.In is 0 or > MessageLimit || size.Out > size.In) return;
    await socket.SendAsync(hello);
    var buffer = new byte[BufferSize];
    long total = 0;
    while (true)
    {
        var n = await socket.ReceiveAsync(buffer.AsMemory());
        if (n == 0) return;
        var answer = (int)(size.OutOf(total + n) - size.OutOf(total));
        total = (total + n) % size.In;
        for (var sent = 0; sent < answer;) sent += await socket.SendAsync(buffer.AsMemory(sent, answer - sent));
    }
}
