using Sluice.AspNetCore;

var app = WebApplication.Create(args);
app.MapWebSocket("/echo", async socket =>
{
    await foreach (var message in socket.ReadAllAsync())
        await socket.SendAsync(message);
});
app.Run();
