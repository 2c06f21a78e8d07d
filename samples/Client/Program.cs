using Sluice;

await using var socket = await WebSocketClient.ConnectAsync(args[0]);
await socket.SendAsync("hello");
using var answer = await socket.ReceiveAsync();
Console.WriteLine(answer.Text);
Console.WriteLine(await socket.CloseAsync());
