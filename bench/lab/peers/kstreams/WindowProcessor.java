import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** One get and one put of the store a record. */
final class WindowProcessor
    implements Processor<byte[], Reading, byte[], byte[]> {
  static final String STORE = "vehicles";

  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<String, Vehicle> store;

  @Override
  public void init(ProcessorContext<byte[], byte[]> context) {
    this.context = context;
    store = context.getStateStore(STORE);
  }

  @Override
  public void process(Record<byte[], Reading> record) {
    Reading reading = record.value();
    Vehicle vehicle = store.get(reading.vehicle);
    if (vehicle == null) vehicle = new Vehicle();
    for (Window window : vehicle.close(reading)) {
      Result result = Result.of(reading.vehicle, window);
      context.forward(
          new Record<>(result.key, result.value, record.timestamp()));
    }
    vehicle.add(reading);
    store.put(reading.vehicle, vehicle);
  }
}
