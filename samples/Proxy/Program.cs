using Sluice.Proxy;

var app = WebApplication.Create(args);
app.MapProxy(new Uri(app.Configuration["backend"]!));
app.Run();
